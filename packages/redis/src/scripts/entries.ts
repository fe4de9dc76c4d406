// Directory entries: decideClaim and decideRelease of ownership-rules, stated in Lua; lookup().
// Key: `entry:<actor key>`, a hash. `claims` is JSON, one [generation, incarnation, token, reason, counter] of strings per claim:
// readable in redis-cli, and as strings the numbers keep their digits (LU4).
import { CLAIMS_KEPT } from "@tenure/core/internal";
import { type LuaScript, luaScript } from "../script.ts";
import { MEMBER } from "./members.ts";
import { DIRECTORY } from "./prelude.ts";

export const ENTRY: string = String.raw`
local ENTRY_FIELDS = { 'incarnation', 'token', 'generation', 'free', 'claims' }
local function entry_key(actor)
  return prefix .. 'entry:' .. actor
end

-- The claims of an entry, or nil if they cannot be read.
local function read_claims(text)
  if string.sub(text, 1, 1) ~= '[' then return nil end -- decoded, an object looks like a list of nothing
  local decoded, claims = pcall(cjson.decode, text)
  if not decoded or type(claims) ~= 'table' then return nil end
  for i = 1, #claims do
    local claim = claims[i]
    if type(claim) ~= 'table' then return nil end
    for j = 1, 5 do
      if type(claim[j]) ~= 'string' then return nil end
    end
  end
  return claims
end

-- nil if absent; nil and a problem if it cannot be read.
local function read_entry(key)
  local f, problem = read_hash(key, 'directory entry', ENTRY_FIELDS)
  if not f then return nil, problem end
  local entry = {
    incarnation = f[1] ~= '' and f[1], token = f[2] ~= '' and f[2], generation = integer(f[3]),
    free = (f[4] == '1' or f[4] == '0') and f[4], claims = f[5] and read_claims(f[5]),
  }
  if not (entry.incarnation and entry.token and entry.generation and entry.free and entry.claims) then
    for i, field in ipairs(ENTRY_FIELDS) do
      if not entry[field] then return nil, is_missing('directory entry', field, f[i]) end
    end
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
  for i = 1, #entry.claims do
    if entry.claims[i][3] == token then return entry.claims[i] end
  end
end
-- The claims of an entry with one more. To write all of them again costs half as much as the rest of a claim.
local function with_claim(entry, claim)
  local text = cjson.encode(claim)
  if not entry or #entry.claims == 0 then return '[' .. text .. ']' end
  if #entry.claims < ${CLAIMS_KEPT} then return string.match(entry.claims_text, '^(.*)%]') .. ',' .. text .. ']' end
  local kept = {}
  for i = #entry.claims + 2 - ${CLAIMS_KEPT}, #entry.claims do kept[#kept + 1] = cjson.encode(entry.claims[i]) end
  kept[#kept + 1] = text
  return '[' .. table.concat(kept, ',') .. ']'
end
`;

/** The claims of a batch, one after the other. The order of the checks is decideClaim's. */
export const CLAIMS: string = String.raw`
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

  local key = entry_key(actor)
  local entry, entry_problem = read_entry(key)
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
  local generation_text, counter_text = digits(generation), digits(claimant.counter + 1)
  local claims = with_claim(entry, { generation_text, incarnation, token, reason, counter_text })

  counter = generation
  claimant.counter = claimant.counter + 1
  if not claimant.is_raised then
    claimant.is_raised = true
    raised[#raised + 1] = claimant
  end
  put(key, 'incarnation', incarnation, 'token', token, 'generation', generation_text, 'free', '0', 'claims', claims)
  return { 'ok', generation_text, counter_text }
end
`;

/**
 * ARGV: count, then per claim: actor key, incarnation ('' for that of the claim before), token, the token expected ('' for none:
 * the entry is free), floor, reason.
 */
export const CLAIM: LuaScript = luaScript("claim", [
  DIRECTORY,
  MEMBER,
  ENTRY,
  CLAIMS,
  String.raw`
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
  local key = entry_key(actor)
  local entry, problem = read_entry(key)
  if problem then return { 'damaged', problem } end
  if not entry or entry.token ~= token then return { 'not-owner' } end
  if not entry.is_free then put(key, 'free', '1') end
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
  local entry, problem = read_entry(entry_key(take()))
  if problem then answers[i] = { 'damaged', problem }
  elseif entry then answers[i] = { 'ok', entry_reply(entry) }
  else answers[i] = { 'ok' } end
end
return with_sequence(answers)
`,
  ],
  { allowOutOfMemory: true },
);
