// Directory entries: decideClaim and decideRelease of ownership-rules, stated in Lua; lookup().
// Key: `entry:<actor key>`, a text: 1 where it is free and else 0, how many claims follow, and they, the newest first, of five
// words each: generation, incarnation, token, reason, counter. The newest claim is the entry's own, and is checked whenever one is
// read; the others by who reads them.
import { CLAIMS_KEPT } from "@tenure/core/internal";
import { type LuaScript, luaScript } from "../script.ts";
import { MEMBER } from "./members.ts";
import { DIRECTORY } from "./prelude.ts";

/** An entry of layout 1 (LU6): a hash of its own fields, and of its claims, the oldest first, as JSON. */
const ENTRY_1 = String.raw`
local ENTRY_FIELDS = { 'incarnation', 'token', 'generation', 'free', 'claims' }
-- The claims as words, the newest first, or nil if they cannot be read.
local function claims_of_1(text)
  if string.sub(text, 1, 1) ~= '[' then return nil end -- decoded, an object looks like a list of nothing
  local decoded, claims = pcall(cjson.decode, text)
  if not decoded or type(claims) ~= 'table' then return nil end
  local words = {}
  for i = #claims, 1, -1 do
    local claim = claims[i]
    if type(claim) ~= 'table' then return nil end
    for j = 1, 5 do
      if type(claim[j]) ~= 'string' or not string.find(claim[j], '^%S+$') then return nil end
      words[#words + 1] = claim[j]
    end
  end
  return words
end
local function entry_text_of_1(key)
  local f = read_hash(key, 'directory entry', ENTRY_FIELDS)
  if not f then return nil, 'directory entry: none of its fields is there' end
  local claims = f[5] and claims_of_1(f[5])
  local is_one = claims and (f[4] == '1' or f[4] == '0') and f[3] == claims[1] and f[1] == claims[2] and f[2] == claims[3]
  if is_one then return f[4] .. ' ' .. #claims / 5 .. ' ' .. table.concat(claims, ' ') end
  for i, field in ipairs(ENTRY_FIELDS) do
    if not f[i] then return nil, is_missing('directory entry', field, f[i]) end
  end
  return nil, is_missing('directory entry', 'claims', f[5])
end
`;

export const ENTRY: string =
  ENTRY_1 +
  String.raw`
local entry_keys = prefix .. 'entry:'
local function fetch_entries(actors)
  local keys = {}
  for i = 1, #actors do keys[i] = entry_keys .. actors[i] end
  fetch(keys)
end

-- Of an entry that was fetched. nil if absent; nil and a problem if it cannot be read.
local function read_entry(actor)
  local key = entry_keys .. actor
  local text, problem = texts[key], nil
  if not text then
    local found
    found, problem = type_at(key, 'directory entry')
    if found == 'hash' then text, problem = entry_text_of_1(key) end
    if not text then return nil, problem end
  end
  local free, count, generation, incarnation, token, counter, others =
    string.match(text, '^([01]) (%d) (%d+) (%S+) (%S+) %S+ (%d+)%f[%z ](.*)$')
  if not (integer(generation) and integer(counter)) then return nil, is_no_text('directory entry', text) end
  return { text = text, is_free = free == '1', count = tonumber(count), generation = integer(generation),
    incarnation = incarnation, token = token, counter = counter, others = others }
end
-- Whether one of its claims but the newest has that token.
local function was_claimed_by(entry, token)
  for found in string.gmatch(entry.others, ' %S+ %S+ (%S+) %S+ %S+') do
    if found == token then return true end
  end
  return false
end
-- The text of an owned entry: of that claim and the past ones, but for the oldest where those are as many as may be.
local function claimed_text(claim, count, past)
  if not past then return '0 1 ' .. claim end
  if count < ${CLAIMS_KEPT} then return '0 ' .. count + 1 .. ' ' .. claim .. past end
  return '0 ${CLAIMS_KEPT} ' .. claim .. (string.match(past, '^(.*) %S+ %S+ %S+ %S+ %S+$') or past)
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
local function claim(actor)
  local incarnation, token, expected_token, floor, reason = unpack(given, taken + 1, taken + 5)
  taken = taken + 5
  if incarnation == '' then incarnation = claimed_by end
  claimed_by = incarnation
  local expects_free = expected_token == ''

  local claimant, claimant_problem = known_member(incarnation)
  local key = entry_keys .. actor
  local text, count, past, generation = texts[key], nil, nil, 0
  if text and expects_free and claimant and claimant.state == 'alive' and not string.find(text, token, 1, true) then
    count, past, generation = string.match(text, '^1 (%d)( (%d+) %S+ %S+ %S+ %d+%f[%z ].*)$')
  end
  if count and #generation < 15 then
    -- A free entry, which nearly every claim meets, and a token that it has not seen.
    count, generation = tonumber(count), tonumber(generation)
  else
    local entry, entry_problem = read_entry(actor)
    if entry_problem then return { 'damaged', entry_problem } end
    if claimant_problem then return { 'damaged', claimant_problem } end

    if not claimant or claimant.state ~= 'alive' then return { 'claimant-not-alive' } end -- R18
    if entry and not entry.is_free and entry.token == token then -- R8: this claim was granted before
      return { 'ok', digits(entry.generation), entry.counter }
    end
    if entry and (entry.token == token or was_claimed_by(entry, token)) then return { 'token-used' } end
    if not entry and not is_open then return { 'closed' } end -- R13

    if entry and not entry.is_free then
      if expects_free or expected_token ~= entry.token then return { 'owned', entry.text } end -- R2
      if entry.incarnation ~= incarnation then
        local owner, owner_problem = known_member(entry.incarnation)
        if owner_problem then return { 'damaged', owner_problem } end
        if not owner then return { 'owner-absent', entry.text } end -- R16: absent is not dead
        if owner.state ~= 'dead' then return { 'owned', entry.text } end -- R3
      end
    elseif not expects_free then
      return { 'changed' }
    end
    generation = 0
    if entry then count, past, generation = entry.count, string.sub(entry.text, 4), entry.generation end
  end

  counter = math.max(counter, generation, tonumber(floor)) + 1 -- R15
  claimant.counter = claimant.counter + 1
  if not claimant.is_raised then
    claimant.is_raised = true
    raised[#raised + 1] = claimant
  end
  local generation_text, counter_text = digits(counter), digits(claimant.counter)
  local words = generation_text .. ' ' .. incarnation .. ' ' .. token .. ' ' .. reason .. ' ' .. counter_text
  write(key, claimed_text(words, count, past))
  return { 'ok', generation_text, counter_text }
end
`;

/**
 * ARGV: count, actor keys, then per claim: incarnation ('' for that of the claim before), token, the token expected ('' for none:
 * the entry is free), floor, reason.
 */
export const CLAIM: LuaScript = luaScript("claim", [
  DIRECTORY,
  MEMBER,
  ENTRY,
  CLAIMS,
  String.raw`
local actors, answers = take_actors(), {}
fetch_entries(actors)
for i, actor in ipairs(actors) do answers[i] = claim(actor) end
raise_counters()
return with_sequence(answers)
`,
]);

/** ARGV: count, actor keys, then per release: token. */
export const RELEASE: LuaScript = luaScript(
  "release",
  [
    DIRECTORY,
    ENTRY,
    String.raw`
local function release(actor)
  local token = take()
  local entry, problem = read_entry(actor)
  if problem then return { 'damaged', problem } end
  if not entry or entry.token ~= token then return { 'not-owner' } end
  if not entry.is_free then write(entry_keys .. actor, '1' .. string.sub(entry.text, 2)) end
  return { 'ok' }
end

local actors, answers = take_actors(), {}
fetch_entries(actors)
for i, actor in ipairs(actors) do answers[i] = release(actor) end
return with_sequence(answers)
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: count, actor keys. */
export const LOOKUP: LuaScript = luaScript(
  "lookup",
  [
    DIRECTORY,
    ENTRY,
    String.raw`
local actors, answers = take_actors(), {}
fetch_entries(actors)
for i, actor in ipairs(actors) do
  local entry, problem = read_entry(actor)
  if problem then answers[i] = { 'damaged', problem }
  elseif entry then answers[i] = { 'ok', entry.text }
  else answers[i] = { 'ok' } end
end
return with_sequence(answers)
`,
  ],
  { allowOutOfMemory: true },
);
