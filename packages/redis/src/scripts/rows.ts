// Rows: decideLoad, decideSave and decideVerify of ownership-rules, stated in Lua; parts() and dueBefore().
// Keys: `row:<actor key>`, a hash of the meta fields and one field `p:<name>` per part, so that one fence covers all of it
// (R10) and a save writes only what changed; `due:<bucket>`, a sorted set of actor keys by due time (S6).
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

export const ROW: string = String.raw`
local ROW_FIELDS = { 'format', 'generation', 'token', 'etag', 'version', 'due' }
local function row_key(actor)
  return prefix .. 'row:' .. actor
end
local function is_due(text)
  return string.find(text, '^%-?%d[%d%.]*[eE]?[%+%-]?%d*$') and tonumber(text)
end

-- The row of these fields, false for each one missing; nil and a problem if they are none. due is false or the text that
-- JavaScript printed: only the index takes it for a number.
local function row_of(f)
  local format = integer(f[1])
  if format and format > ${ROW_FORMAT} then
    -- Of a newer row only its format is sure. A save of the claim that it displaced is fenced by the generation, if that
    -- is still where it was.
    return { format = format, is_newer = true, generation = integer(f[2]) or 0, token = '', etag = '', version = 0 }
  end
  local row = { format = format, generation = integer(f[2]), token = f[3] ~= '' and f[3], etag = f[4],
    version = integer(f[5]), due = f[6] }
  if not (format and row.generation and row.token and row.etag and row.version) then
    for i = 1, 5 do
      local field = ROW_FIELDS[i]
      if not row[field] then return nil, is_missing('row', field, f[i]) end
    end
  end
  if row.due and not is_due(row.due) then return nil, is_missing('row', 'due', row.due) end
  return row
end
-- nil if absent; nil and a problem if it cannot be read.
local function read_row(actor)
  local f, problem = read_hash(row_key(actor), 'row', ROW_FIELDS)
  if not f then return nil, problem end
  return row_of(f)
end
`;

/** The load of one row; the order of the checks is decideLoad's. */
export const LOADS: string = String.raw`
-- All parts, but of recorded results only the header (S3).
local RESULTS = { ['${KEY_PARTS}'] = true, ['${SENDER_PARTS}'] = true }

local PLACES = {}
for place, field in ipairs(ROW_FIELDS) do PLACES[field] = place end

-- As read_row, and what else a load answers, in one reading: what a command costs here is mostly that it is one.
local function read_whole_row(key)
  local fields = redis.pcall('HGETALL', key)
  if fields.err then return nil, 'row: not a hash' end
  if #fields == 0 then return nil, nil, {} end
  local f, parts, is_row = { false, false, false, false, false, false }, {}, false
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    local place = PLACES[field]
    if place then
      f[place] = value
      is_row = true
    elseif string.sub(field, 1, 2) == 'p:' then
      local name = string.sub(field, 3)
      local is_result = RESULTS[string.sub(name, 1, ${KEY_PARTS.length})]
      parts[#parts + 1] = name
      parts[#parts + 1] = bytes(is_result and string.sub(value, 1, ${KEY_HEADER_BYTES}) or value)
    end
  end
  if not is_row then return nil, 'row: none of its fields is there' end
  local row, problem = row_of(f)
  return row, problem, parts
end

local function load(actor, generation_text, token)
  local key, generation = row_key(actor), tonumber(generation_text)
  local row, problem, parts = read_whole_row(key)
  if problem then return { 'damaged', problem } end
  if row and row.is_newer then return { 'newer-format', digits(row.format) } end
  if row and (row.generation > generation or (row.generation == generation and row.token ~= token)) then
    return { 'fenced', digits(row.generation) }
  end
  if not row then
    put(key, 'format', '${ROW_FORMAT}', 'generation', generation_text, 'token', token, 'etag', '', 'version', '0')
    return { 'ok', '', '0', false, parts }
  end
  if row.format ~= ${ROW_FORMAT} then
    put(key, 'format', '${ROW_FORMAT}', 'generation', generation_text, 'token', token) -- O4
  elseif row.generation ~= generation then
    put(key, 'generation', generation_text, 'token', token) -- O4
  end
  return { 'ok', row.etag, digits(row.version), row.due, parts }
end
`;

/** ARGV: count, then per load: actor key, generation, token. */
export const LOAD: LuaScript = luaScript("load", [
  STORAGE,
  ROW,
  LOADS,
  String.raw`
local answers = {}
for i = 1, take_number() do answers[i] = load(take(), take(), take()) end
return with_sequence(answers)
`,
]);

/**
 * ARGV: count, then per save: actor key, generation, token, etag, new etag, and what else it is. '' is a state and nothing more: its
 * bytes follow. Else 'more', due ('' for none), how many parts to put, name and bytes of each, how many to delete, name of each.
 */
export const SAVE: LuaScript = luaScript("save", [
  STORAGE,
  ROW,
  String.raw`
-- Lua passes at most some 8,000 arguments at once.
local function in_slices(command, key, list)
  if #list <= 4000 then return redis.call(command, key, unpack(list)) end
  for first = 1, #list, 4000 do
    redis.call(command, key, unpack(list, first, math.min(first + 3999, #list)))
  end
end

-- dueBucket of the port: FNV-1a. Lua's numbers are exact up to 2^53, so that a product is made of two.
local function due_bucket(actor)
  local hash = 0x811c9dc5
  for i = 1, #actor do
    hash = bit.bxor(hash, string.byte(actor, i)) % 0x100000000
    hash = (hash * 0x193 + hash % 0x100 * 0x1000000) % 0x100000000
  end
  return digits(hash % ${DUE_BUCKETS})
end

-- Changes the index first of all: it is the one step that can find another type under its key. Answers a problem.
local function index_due(actor, due)
  local key = prefix .. 'due:' .. due_bucket(actor)
  local reply
  if due then reply = redis.pcall('ZADD', key, due, actor) else reply = redis.pcall('ZREM', key, actor) end
  if type(reply) == 'table' and reply.err then return 'due index: ' .. reply.err end
  return nil
end

local OK = { 'ok' }

-- The row as its writer left it, which nearly every save meets: then what it is given is all that can be in it, and only the
-- version has to be read. Else nothing is known, and all is looked at.
local function as_left(key, generation, token, etag, due)
  local f = redis.pcall('HMGET', key, 'format', 'generation', 'token', 'etag', 'version', 'due')
  return f[3] == token and f[4] == etag and f[2] == generation and f[1] == '${ROW_FORMAT}' and (f[6] or '') == due
    and integer(f[5])
end

local function save()
  local first = taken
  local actor, generation, token, etag, new_etag, kind = unpack(given, first + 1, first + 6)
  taken = first + 6
  local key = row_key(actor)
  local due, count = '', 1
  if kind ~= '' then due, count = take(), take_number() end
  local version = etag ~= new_etag and as_left(key, generation, token, etag, due)
  if kind == '' and version then -- nearly all of them
    redis.call('HSET', key, 'etag', new_etag, 'version', digits(version + 1), 'p:${STATE_PART}', take_bytes())
    changed = true
    return OK
  end

  -- What changes, as one command: the fields of the row first.
  local puts, dels = { 'etag', new_etag, 'version', false }, nil
  for i = 5, 3 + 2 * count, 2 do
    puts[i] = 'p:' .. (kind == '' and '${STATE_PART}' or take())
    puts[i + 1] = take_bytes()
  end
  local deleted = kind == '' and 0 or take_number()
  if deleted > 0 then
    dels = {}
    for i = 1, deleted do dels[i] = 'p:' .. take() end
  end

  if not version then
    local row, problem = read_row(actor)
    if problem then return { 'damaged', problem } end
    if row and row.etag == new_etag then return OK end -- R8: this very save was applied before
    if not row or row.generation ~= tonumber(generation) or row.token ~= token then -- R1, R9
      return { 'fenced', digits(row and row.generation or 0) }
    end
    if row.etag ~= etag then return { 'conflict', row.etag } end -- I2

    local due_before = row.due or ''
    if due_before ~= due then
      local index_problem = index_due(actor, due ~= '' and due)
      if index_problem then return { 'damaged', index_problem } end
      if due ~= '' then
        puts[#puts + 1] = 'due'
        puts[#puts + 1] = due
      else
        redis.call('HDEL', key, 'due')
      end
    end
    version = row.version
  end
  puts[4] = digits(version + 1)
  if dels then in_slices('HDEL', key, dels) end -- before the puts: a name in both ends up put
  in_slices('HSET', key, puts)
  changed = true
  return OK
end

local answers = {}
for i = 1, take_number() do answers[i] = save() end
return with_sequence(answers)
`,
]);

/** ARGV: count, then per row: actor key, generation, token. */
export const VERIFY: LuaScript = luaScript(
  "verify",
  [
    STORAGE,
    ROW,
    String.raw`
local answers = {}
for i = 1, take_number() do
  local row = read_row(take())
  local generation, token = take_number(), take()
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
local key = row_key(take())
local found = {}
for i = 1, take_number() do
  local value = redis.call('HGET', key, 'p:' .. take())
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
