// Member records: decideRegister, decideRenew and decideMarkDead of ownership-rules, stated in Lua; members(), open().
// Keys: `member:<incarnation>`, a hash per record, never removed; `members`, the set of those that are listed (R16, D7).
import { PROTOCOL_VERSION } from "@tenure/core/internal";
import { type LuaScript, luaScript } from "../script.ts";
import { DIRECTORY } from "./prelude.ts";

/** Reading and writing member records; the scripts of entries need it too. */
export const MEMBER: string = String.raw`
local MEMBER_FIELDS = { 'name', 'rev', 'counter', 'state', 'protocol', 'types', 'roles', 'load' }
local STATES = { alive = true, draining = true, dead = true }
local function member_key(incarnation)
  return prefix .. 'member:' .. incarnation
end

-- nil if absent; nil and a problem if it cannot be read.
local function read_member(incarnation)
  local f, problem = read_hash(member_key(incarnation), 'member record', MEMBER_FIELDS)
  if not f then return nil, problem end
  local member = {
    incarnation = incarnation, name = f[1], rev = integer(f[2]), counter = integer(f[3]),
    state = STATES[f[4]] and f[4], protocol = integer(f[5]), types = f[6], roles = f[7], load = f[8],
  }
  for i, field in ipairs(MEMBER_FIELDS) do
    if not member[field] then return nil, is_missing('member record', field, f[i]) end
  end
  return member
end
local function write_member(m)
  put(member_key(m.incarnation), 'name', m.name, 'rev', digits(m.rev), 'counter', digits(m.counter),
    'state', m.state, 'protocol', digits(m.protocol), 'types', m.types, 'roles', m.roles, 'load', m.load)
end
local function add_member(m)
  redis.call('SADD', prefix .. 'members', m.incarnation)
  write_member(m)
end
local function member_reply(m)
  return { m.incarnation, m.name, digits(m.rev), digits(m.counter), m.state, digits(m.protocol),
    m.types, m.roles, m.load }
end
-- Decisions on members have no word for a damaged record: the caller gets none, and an operator the reason.
local function readable_member(incarnation)
  local member, problem = read_member(incarnation)
  if problem then error({ err = 'DAMAGED ' .. problem }) end
  return member
end
local function member_ids()
  local ids = redis.call('SMEMBERS', prefix .. 'members')
  table.sort(ids) -- so that who is named, where several could be, does not depend on the set's order
  return ids
end
`;

/** ARGV: incarnation, name, types, roles, protocol, proposed store id, bootstrap ('1' or '0'). */
export const REGISTER: LuaScript = luaScript("register", [
  DIRECTORY,
  MEMBER,
  String.raw`
local incarnation, name, types, roles, protocol = take(), take(), take(), take(), take_number()
local proposed_store_id, bootstrap = take(), take()

local own = readable_member(incarnation)
local namesake, foreign
for _, id in ipairs(member_ids()) do
  -- A damaged record of another silo keeps nobody out: members() reports it.
  local member = id ~= incarnation and read_member(id)
  if member and member.state ~= 'dead' then
    if member.protocol ~= protocol then foreign = foreign or member
    elseif member.name == name then namesake = namesake or member end
  end
end
if own and own.state == 'dead' then return with_sequence({ 'dead' }) end -- O1
if foreign then return with_sequence({ 'protocol', member_reply(foreign) }) end
if namesake then return with_sequence({ 'name-taken', member_reply(namesake) }) end

if not own then
  own = { incarnation = incarnation, name = name, rev = 1, counter = 1, state = 'alive', protocol = protocol,
    types = types, roles = roles, load = '0' }
  add_member(own)
end
if not store_id then
  store_id, is_open = proposed_store_id, bootstrap == '1'
  put(store_key, 'storeId', store_id, 'open', bootstrap)
end
return with_sequence({ 'ok', member_reply(own), store_id, is_open and '1' or '0' })
`,
]);

/** ARGV: incarnation, expected rev, load, state. A server without memory must not look like a silo's death. */
export const RENEW: LuaScript = luaScript(
  "renew",
  [
    DIRECTORY,
    MEMBER,
    String.raw`
local incarnation, expected_rev, load, state = take(), take_number(), take(), take()
local member = readable_member(incarnation)
if not member then return with_sequence({ 'absent' }) end
if member.state == 'dead' then return with_sequence({ 'dead', member_reply(member) }) end
if member.rev ~= expected_rev then return with_sequence({ 'conflict', member_reply(member) }) end
member.rev = member.rev + 1
member.counter = member.counter + 1
member.load = load
-- Draining is not undone by a renewal that was sent before it.
if member.state ~= 'draining' then member.state = state end
write_member(member)
return with_sequence({ 'ok', member_reply(member) })
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: incarnation, expected rev or 'absent'. */
export const MARK_DEAD: LuaScript = luaScript(
  "markDead",
  [
    DIRECTORY,
    MEMBER,
    String.raw`
local incarnation, expected = take(), take()
local member = readable_member(incarnation)
if not member then
  if expected ~= 'absent' then return with_sequence({ 'absent' }) end
  member = { incarnation = incarnation, name = '', rev = 1, counter = 1, state = 'dead',
    protocol = ${PROTOCOL_VERSION}, types = '{}', roles = '[]', load = '0' }
  add_member(member) -- R16
  return with_sequence({ 'ok', member_reply(member) })
end
if member.state == 'dead' then return with_sequence({ 'ok', member_reply(member) }) end
if member.rev ~= tonumber(expected) then return with_sequence({ 'conflict', member_reply(member) }) end
member.rev = member.rev + 1
member.state = 'dead'
member.load = '0'
write_member(member)
return with_sequence({ 'ok', member_reply(member) })
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: incarnation. Takes a dead member off the list. */
export const SWEEP: LuaScript = luaScript("sweep", [
  DIRECTORY,
  MEMBER,
  String.raw`
local incarnation = take()
local member = readable_member(incarnation)
if not member then return with_sequence({ 'absent' }) end
if member.state ~= 'dead' then return with_sequence({ 'not-dead', member_reply(member) }) end
if redis.call('SREM', prefix .. 'members', incarnation) == 1 then changed = true end
return with_sequence({ 'ok', member_reply(member) })
`,
]);

/** No arguments. Answers the sentinel, and each record or what is wrong with it. */
export const MEMBERS: LuaScript = luaScript(
  "members",
  [
    DIRECTORY,
    MEMBER,
    String.raw`
local found = {}
for i, id in ipairs(member_ids()) do
  local member, problem = read_member(id)
  -- A record that is gone is reported by nobody: R16 is for whoever meets its name in an entry.
  if member then found[#found + 1] = { 'ok', member_reply(member) }
  elseif problem then found[#found + 1] = { 'damaged', id, problem } end
end
return with_sequence({ store_id, is_open and '1' or '0', found })
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: store id. '1' when the sentinel of that id is open afterwards (R13). */
export const OPEN: LuaScript = luaScript("open", [
  DIRECTORY,
  String.raw`
local wanted = take()
if store_id ~= wanted then return with_sequence('0') end
if not is_open then put(store_key, 'open', '1') end
return with_sequence('1')
`,
]);
