// Directory entries: decideClaim and decideRelease of ownership-rules, stated in Lua; lookup().
// Key: `entry:<actor key>`, a hash. `claims` is JSON, one [generation, incarnation, token, reason, counter] of strings per claim:
// readable in redis-cli, and as strings the numbers keep their digits (LU4).
import { CLAIMS_KEPT } from "@tenure/core/internal";
import { type LuaScript, luaScript } from "../script.ts";
import { MEMBER } from "./members.ts";
import { DIRECTORY } from "./prelude.ts";

const ENTRY: string = String.raw`
local ENTRY_FIELDS = { 'incarnation', 'token', 'generation', 'free', 'claims' }
local function entry_key(actor)
  return prefix .. 'entry:' .. actor
end

-- The claims of an entry, or nil if they cannot be read.
local function read_claims(text)
  local decoded, claims = pcall(cjson.decode, text)
  if not decoded or type(claims) ~= 'table' then return nil end
  for _, claim in ipairs(claims) do
    if type(claim) ~= 'table' or type(claim[3]) ~= 'string' then return nil end
  end
  return claims
end

-- nil if absent; nil and a problem if it cannot be read.
local function read_entry(actor)
  local f, problem = read_hash(entry_key(actor), 'directory entry', ENTRY_FIELDS)
  if not f then return nil, problem end
  local entry = {
    incarnation = f[1] ~= '' and f[1], token = f[2] ~= '' and f[2], generation = integer(f[3]),
    free = (f[4] == '1' or f[4] == '0') and f[4], claims = f[5] and read_claims(f[5]),
  }
  for i, field in ipairs(ENTRY_FIELDS) do
    if not entry[field] then return nil, is_missing('directory entry', field, f[i]) end
  end
  entry.is_free = entry.free == '1'
  entry.claims_text = f[5]
  return entry
end
local function entry_reply(e)
  return { e.incarnation, e.token, digits(e.generation), e.free, e.claims_text }
end
-- The claim of that token among the last ones, if it is.
local function past_claim(entry, token)
  for _, claim in ipairs(entry.claims) do
    if claim[3] == token then return claim end
  end
end
`;

/**
 * ARGV: count, then per claim: actor key, incarnation ('' for that of the claim before), token, the token expected ('' for none:
 * the entry is free), floor, reason.
 * The order of the checks is decideClaim's.
 */
export const CLAIM: LuaScript = luaScript("claim", [
  DIRECTORY,
  MEMBER,
  ENTRY,
  String.raw`
-- A batch names few members: each is read once, and the counters that it has raised are written once, at its end. Nothing
-- between an item's first write and that can fail (LU2).
local known, raised = {}, {}
local function known_member(incarnation)
  local member = known[incarnation]
  if not member then
    local found, problem = read_member(incarnation)
    member = { found = found, problem = problem }
    known[incarnation] = member
  end
  return member.found, member.problem
end
local function raise_counters()
  for _, member in ipairs(raised) do put(member_key(member.incarnation), 'counter', digits(member.counter)) end -- R14
  if #raised > 0 then put(store_key, 'counter', digits(counter)) end -- R15
end

local claimed_by
local function claim()
  local actor, incarnation, token = take(), take(), take()
  local expected_token, floor, reason = take(), take_number(), take()
  if incarnation == '' then incarnation = claimed_by end
  claimed_by = incarnation
  local expects_free = expected_token == ''

  local entry, entry_problem = read_entry(actor)
  if entry_problem then return { 'damaged', entry_problem } end
  local claimant, claimant_problem = known_member(incarnation)
  if claimant_problem then return { 'damaged', claimant_problem } end

  if not claimant or claimant.state ~= 'alive' then return { 'claimant-not-alive' } end -- R18
  if entry and not entry.is_free and entry.token == token then -- R8: this claim was granted before
    local own = past_claim(entry, token)
    return { 'ok', digits(entry.generation), own and own[5] or digits(claimant.counter) }
  end
  if entry and past_claim(entry, token) then return { 'token-used' } end
  if not entry and not is_open then return { 'closed' } end -- R13

  if entry and not entry.is_free then
    if expects_free or expected_token ~= entry.token then return { 'owned', entry_reply(entry) } end -- R2
    if entry.incarnation ~= incarnation then
      local owner, owner_problem = known_member(entry.incarnation)
      if owner_problem then return { 'damaged', owner_problem } end
      if not owner then return { 'owner-absent', entry_reply(entry) } end -- R16: absent is not dead
      if owner.state ~= 'dead' then return { 'owned', entry_reply(entry) } end -- R3
    end
  elseif not expects_free then
    return { 'changed' }
  end

  local generation = math.max(counter, entry and entry.generation or 0, floor) + 1 -- R15
  local claims = entry and entry.claims or {}
  claims[#claims + 1] = { digits(generation), incarnation, token, reason, digits(claimant.counter + 1) }
  while #claims > ${CLAIMS_KEPT} do table.remove(claims, 1) end
  -- A claim that can be read may hold what cannot be written (LU2).
  local is_text, text = pcall(cjson.encode, claims)
  if not is_text then return { 'damaged', is_missing('directory entry', 'claims', entry.claims_text) } end

  counter = generation
  claimant.counter = claimant.counter + 1
  if not claimant.is_raised then
    claimant.is_raised = true
    raised[#raised + 1] = claimant
  end
  put(entry_key(actor), 'incarnation', incarnation, 'token', token, 'generation', digits(generation), 'free', '0',
    'claims', text)
  return { 'ok', digits(generation), digits(claimant.counter) }
end

local answers = {}
for i = 1, take_number() do answers[i] = claim() end
raise_counters()
return with_sequence(answers)
`,
]);

/** ARGV: count, then per release: actor key, token. */
export const RELEASE: LuaScript = luaScript(
  "release",
  [
    DIRECTORY,
    ENTRY,
    String.raw`
local function release()
  local actor, token = take(), take()
  local entry, problem = read_entry(actor)
  if problem then return { 'damaged', problem } end
  if not entry or entry.token ~= token then return { 'not-owner' } end
  if not entry.is_free then put(entry_key(actor), 'free', '1') end
  return { 'ok' }
end

local answers = {}
for i = 1, take_number() do answers[i] = release() end
return with_sequence(answers)
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: count, then per lookup: actor key. */
export const LOOKUP: LuaScript = luaScript(
  "lookup",
  [
    DIRECTORY,
    ENTRY,
    String.raw`
local answers = {}
for i = 1, take_number() do
  local entry, problem = read_entry(take())
  if problem then answers[i] = { 'damaged', problem }
  elseif entry then answers[i] = { 'ok', entry_reply(entry) }
  else answers[i] = { 'ok' } end
end
return with_sequence(answers)
`,
  ],
  { allowOutOfMemory: true },
);
