// Rows: decideLoad, decideSave and decideVerify of ownership-rules, stated in Lua; parts() and dueBefore(). What a row is: row.ts.
import {
  DUE_BUCKETS,
  KEY_HEADER_BYTES,
  KEY_PARTS,
  ROW_FORMAT,
  SENDER_PARTS,
  STATE_PART,
} from "@tenure/core/internal";
import { type LuaScript, luaScript } from "../script.ts";
import { STORAGE } from "./prelude.ts";
import { ROW, SMALL_STATE } from "./row.ts";

/** The load of one row that was fetched; the order of the checks is decideLoad's. */
export const LOADS: string = String.raw`
-- All parts, but of recorded results only the header (S3).
local RESULTS = { ['${KEY_PARTS}'] = true, ['${SENDER_PARTS}'] = true }

local function parts_of(actor, row)
  local state, parts = row.state, {}
  if row.has_state_apart then
    state = redis.pcall('GET', state_keys .. actor)
    if type(state) ~= 'string' then return nil, 'row: its state is gone' end
  end
  if state then parts = { '${STATE_PART}', bytes(state) } end
  if row.has_parts then
    local fields = redis.pcall('HGETALL', parts_key(actor))
    if fields.err or #fields == 0 then return nil, 'row: its parts are gone' end
    for i = 1, #fields, 2 do
      local name, value = fields[i], fields[i + 1]
      local is_result = RESULTS[string.sub(name, 1, ${KEY_PARTS.length})]
      parts[#parts + 1] = name
      parts[#parts + 1] = bytes(is_result and string.sub(value, 1, ${KEY_HEADER_BYTES}) or value)
    end
  end
  return parts
end

-- The load of a row that has a small state and nothing more, by a claim above its own, which nearly every load is. nil if it is another.
local function load_as_left(actor, generation, token)
  local key = row_keys .. actor
  local text = texts[key]
  if not text then return nil end
  local before, left, etag, version, state = string.match(text, '^${ROW_FORMAT} (%d+) %S+( (%S*) (%d+) i\n(.*))$')
  if not before or #before > 14 or #version > 14 or tonumber(before) >= tonumber(generation) then return nil end
  write(key, '${ROW_FORMAT} ' .. generation .. ' ' .. token .. left) -- O4
  return { 'ok', etag, version, false, { '${STATE_PART}', bytes(state) } }
end

local function load(actor, generation_text, token)
  local answer = load_as_left(actor, generation_text, token)
  if answer then return answer end
  local generation = tonumber(generation_text)
  local row, problem = read_row(actor)
  if problem then return { 'damaged', problem } end
  if not row then
    write_row(actor, { generation = generation, token = token, etag = '', version = 0 })
    return { 'ok', '', '0', false, {} }
  end
  if row.is_newer then return { 'newer-format', digits(row.format) } end
  if row.generation > generation or (row.generation == generation and row.token ~= token) then
    return { 'fenced', digits(row.generation) }
  end
  local parts
  parts, problem = parts_of(actor, row)
  if problem then return { 'damaged', problem } end
  if row.format ~= ${ROW_FORMAT} or row.generation ~= generation then
    row.generation, row.token = generation, token -- O4
    write_row(actor, row)
  end
  return { 'ok', row.etag, digits(row.version), row.due, parts }
end
`;

/** ARGV: count, actor keys, then per load: generation, token. */
export const LOAD: LuaScript = luaScript("load", [
  STORAGE,
  ROW,
  LOADS,
  String.raw`
local actors, answers = take_actors(), {}
fetch_rows(actors)
for i, actor in ipairs(actors) do answers[i] = load(actor, take(), take()) end
return with_sequence(answers)
`,
]);

/**
 * ARGV: count, actor keys, then per save: how the row's text begins before and after it, up to version, and what else it is. '' is a
 * state and nothing more: its bytes follow. Else 'more', due ('' for none), how many parts to put, name and bytes of each, how many to
 * delete, name of each.
 */
export const SAVE: LuaScript = luaScript("save", [
  STORAGE,
  ROW,
  String.raw`
-- dueBucket of the port: FNV-1a. Lua's numbers are exact up to 2^53, so that a product is made of two.
local function due_bucket(actor)
  local hash = 0x811c9dc5
  for i = 1, #actor do
    hash = bit.bxor(hash, string.byte(actor, i)) % 0x100000000
    hash = (hash * 0x193 + hash % 0x100 * 0x1000000) % 0x100000000
  end
  return digits(hash % ${DUE_BUCKETS})
end
-- Answers a problem.
local function index_due(actor, due)
  local key = prefix .. 'due:' .. due_bucket(actor)
  local reply
  if due then reply = redis.pcall('ZADD', key, due, actor) else reply = redis.pcall('ZREM', key, actor) end
  if type(reply) == 'table' and reply.err then return 'due index: ' .. reply.err end
  return nil
end

local OK = { 'ok' }

-- The row as its writer left it, with nothing but a small state, which nearly every save meets: then what it is given is all that can
-- be in it, and only the version has to be read. Else nothing is known, and all is looked at. What a save costs is mostly how
-- many texts are made for it, and most of all one of a number: so nine times out of ten only the version's last digit changes.
local NEXT = { ['0'] = '1', ['1'] = '2', ['2'] = '3', ['3'] = '4', ['4'] = '5', ['5'] = '6', ['6'] = '7', ['7'] = '8', ['8'] = '9' }
local function save_as_left(key, left, next, state)
  local text = texts[key]
  if not text or string.find(text, left, 1, true) ~= 1 or left == next or #state > ${SMALL_STATE} then return false end
  local ahead, last = string.match(text, '^(%d*)([0-8]) [%-i]\n', #left + 1)
  if ahead then last = NEXT[last]
  else
    local version = string.match(text, '^(%d+) [%-i]\n', #left + 1)
    if not version or #version > 13 then return false end
    ahead, last = '', version + 1
  end
  if #ahead > 13 then return false end -- no number of ours
  write(key, next .. ahead .. last .. ' i\n' .. state)
  return true
end

-- What changes besides the row itself. What can find another type under its key comes first: answers a problem.
local function change_parts(actor, row, due, state, puts, dels)
  local key = parts_key(actor)
  if #puts + #dels > 0 then
    local held = redis.pcall('HLEN', key)
    if type(held) == 'table' then return 'parts: ' .. held.err end
    if held > 0 and not row.has_parts then redis.call('DEL', key) end -- of a row that somebody removed
  end
  if row.due ~= due then
    local problem = index_due(actor, due)
    if problem then return problem end
  end
  if #dels > 0 then in_slices('HDEL', key, dels) end -- before the puts: a name in both ends up put
  in_slices('HSET', key, puts)
  if #puts + #dels > 0 then row.has_parts = #puts > 0 or redis.call('EXISTS', key) == 1 end
  if state then put_state(actor, row, state) elseif state == false then drop_state(actor, row) end
end

local function save(actor, key)
  local left, next, kind = given[taken + 1], given[taken + 2], given[taken + 3]
  taken = taken + 3
  -- state is the bytes to put, false where it is deleted, and else nil.
  local due, state, puts, dels = false, nil, nil, nil
  if kind == '' then
    state = take_bytes()
    if save_as_left(key, left, next, state) then return OK end -- nearly all of them
  end
  puts, dels = {}, {}
  if kind ~= '' then
    due = take()
    if due == '' then due = false end
    for _ = 1, take_number() do
      local name, value = take(), take_bytes()
      if name == '${STATE_PART}' then state = value
      else
        puts[#puts + 1] = name
        puts[#puts + 1] = value
      end
    end
    for _ = 1, take_number() do
      local name = take()
      if name ~= '${STATE_PART}' then dels[#dels + 1] = name
      elseif state == nil then state = false end
    end
  end

  local row, problem = read_row(actor)
  if problem then return { 'damaged', problem } end
  local generation, token, etag = string.match(left, '^%d+ (%d+) (%S+) (%S*) $')
  local new_etag = string.match(next, ' (%S+) $')
  if row and row.etag == new_etag then return OK end -- R8: this very save was applied before
  if not row or row.generation ~= tonumber(generation) or row.token ~= token then -- R1, R9
    return { 'fenced', digits(row and row.generation or 0) }
  end
  if row.etag ~= etag then return { 'conflict', row.etag } end -- I2
  problem = change_parts(actor, row, due, state, puts, dels)
  if problem then return { 'damaged', problem } end
  row.etag, row.version, row.due = new_etag, row.version + 1, due
  write_row(actor, row)
  return OK
end

local actors, answers = take_actors(), {}
local keys = fetch_rows(actors)
for i, actor in ipairs(actors) do answers[i] = save(actor, keys[i]) end
return with_sequence(answers)
`,
]);

/** ARGV: count, actor keys, then per row: generation, token. */
export const VERIFY: LuaScript = luaScript(
  "verify",
  [
    STORAGE,
    ROW,
    String.raw`
local actors, answers = take_actors(), {}
fetch_rows(actors)
for i, actor in ipairs(actors) do
  local generation, token = take_number(), take()
  local row = texts[row_keys .. actor] and read_row(actor) -- of layout 1 it is of no claim of today
  answers[i] = (row and row.generation == generation and row.token == token) and '1' or '0'
end
return with_sequence(answers)
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: actor key, count, names. Decides nothing; a script all the same, so that no replica answers it. */
export const PARTS: LuaScript = luaScript(
  "parts",
  [
    STORAGE,
    ROW,
    String.raw`
local actor = take()
local text = redis.call('GET', row_keys .. actor)
local holding, small_state = string.match(text or '', '^%d+ %d+ %S+ %S* %d+ ([%-isp]+)[^\n]*\n(.*)$')
local found = {}
for i = 1, take_number() do
  local name, value = take(), false
  if not holding then value = false
  elseif name ~= '${STATE_PART}' then value = redis.call('HGET', parts_key(actor), name)
  elseif string.find(holding, 'i', 1, true) then value = small_state
  else value = redis.call('GET', state_keys .. actor) end
  found[i] = value and bytes(value)
end
return with_sequence(found)
`,
  ],
  { allowOutOfMemory: true },
);

/** ARGV: bucket, time, limit. */
export const DUE_BEFORE: LuaScript = luaScript(
  "dueBefore",
  [
    STORAGE,
    String.raw`
local bucket, time, limit = take(), take(), take()
return with_sequence(redis.call('ZRANGEBYSCORE', prefix .. 'due:' .. bucket, '-inf', time, 'WITHSCORES', 'LIMIT', '0', limit))
`,
  ],
  { allowOutOfMemory: true },
);
