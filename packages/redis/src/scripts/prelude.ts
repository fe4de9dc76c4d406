// What every script starts with. "ARGV" of a script is the list of its arguments (arguments.ts).
//   LU1. User text is in ARGV and in the names of keys and fields, never in the text of a script. Keys are computed here
//        and not declared in KEYS: an operation finds out on the way which records it needs (an entry names its owner),
//        and the one primary that is required anyway lets a script touch any key.
//   LU2. Everything that can fail is read and checked before the first write of an item: Redis undoes nothing.
//   LU3. A record that cannot be read is an answer about that item, not the end of the batch; it is left as it is.
//   LU4. Integers are stored and sent as decimal digits, exact up to 2^53: Lua's own printing keeps 14 digits.
//   LU5. No key has a time to live (R4, R15).
//   LU6. Entries and rows are texts of words with one blank between them (layout 2). Layout 1 had a hash for each, under the same
//        name: it is read as such, and becomes a text when it is first written (docs/adr/0021).

import { LARGE, MAX_LIST } from "../arguments.ts";

/** Lua passes at most some 8,000 arguments at once. Even: keys and values stay together. */
export const SLICE = 4_000;

export const PRELUDE: string = String.raw`
-- ARGV[1] is the prefix of all keys. ARGV[2] has the operation's own arguments, which are taken in order. Each is a string;
-- for bytes that are large stands their place in ARGV (AR2).
local prefix = ARGV[1]
local given = cmsgpack.unpack(ARGV[2])
local taken = 0
local function take()
  taken = taken + 1
  return given[taken]
end
local function take_bytes()
  local argument = take()
  if type(argument) == 'number' then return ARGV[argument] end
  return argument
end
local function take_number()
  return tonumber(take())
end

-- A stored integer, or nil for what is none.
local function integer(text)
  if not text or #text > 16 or not string.find(text, '^%d+$') then return nil end
  local number = tonumber(text)
  if number > 9007199254740991 then return nil end
  return number
end
local function digits(number)
  if number < 1e14 then return number .. '' end -- in half the time
  return string.format('%.0f', number)
end

-- The fields of a hash: a list with false for each one missing; nil if there is no such key; nil and a problem if it is
-- there and is something else.
local function read_hash(key, what, fields)
  local values = redis.pcall('HMGET', key, unpack(fields))
  if values.err then return nil, what .. ': not a hash' end
  for i = 1, #fields do
    if values[i] then return values end
  end
  if redis.call('EXISTS', key) == 1 then return nil, what .. ': none of its fields is there' end
  return nil
end
local function is_missing(what, field, value)
  return what .. ': ' .. field .. ' is ' .. (value and cjson.encode(string.sub(value, 1, 40)) or 'missing')
end

-- Bytes in an answer: large ones are values of their own, and their place stands for them (RE1).
local large, inlined = {}, 0
local function bytes(value)
  inlined = inlined + #value
  if #value <= ${LARGE} and inlined <= ${MAX_LIST} then return value end
  large[#large + 1] = value
  return #large
end

local changed = false
local function put(key, ...)
  redis.call('HSET', key, ...)
  changed = true
end

-- Texts under keys of their own, those of a batch with one command: what a command costs here is mostly that it is one. What is
-- written is kept until the end, for one command likewise; who reads it before then finds it in texts.
local texts, written = {}, {}
local function fetch(keys)
  for first = 1, #keys, ${SLICE} do
    local found = redis.call('MGET', unpack(keys, first, math.min(first + ${SLICE - 1}, #keys)))
    for i = 1, #found do texts[keys[first + i - 1]] = found[i] end
  end
end
local function write(key, text)
  texts[key] = text
  local count = #written
  written[count + 1], written[count + 2] = key, text
  changed = true
end
local function flush()
  for first = 1, #written, ${SLICE} do
    redis.call('MSET', unpack(written, first, math.min(first + ${SLICE - 1}, #written)))
  end
  written = {}
end
-- What a key has that has no text: nothing; a hash, as layout 1 had it (LU6); or a problem.
local function type_at(key, what)
  local found = redis.call('TYPE', key).ok
  if found == 'none' or found == 'hash' then return found end
  return nil, what .. ': not a text'
end
local function is_no_text(what, text)
  local words = string.match(text, '^[^\n]*') -- a state may follow
  return what .. ': not one of ours: ' .. cjson.encode(string.sub(words, 1, 60))
end
-- The arguments from the next one on that are actors: a batch begins with them, so that what it needs can be fetched.
local function take_actors()
  local count, actors = take_number(), {}
  for i = 1, count do actors[i] = given[taken + i] end
  taken = taken + count
  return actors
end
`;

/** The store's own record; `sequence` counts the scripts that changed something. */
function storeRecord(key: string, fields: string): string {
  return String.raw`
local store_key = prefix .. '${key}'
-- Read first, for what it cannot answer without must fail before anything is written (LU2).
local store, store_problem = read_hash(store_key, '${key} record', { 'sequence'${fields} })
local sequence = integer(store and store[1] or '0')
if store_problem or not sequence then
  error({ err = 'DAMAGED ' .. (store_problem or is_missing('${key} record', 'sequence', store[1])) })
end
-- What was changed since the last count is one of the store's writes.
local function count_change()
  if not changed then return end
  changed = false
  sequence = sequence + 1
  redis.call('HSET', store_key, 'sequence', digits(sequence))
end
-- Ends every script.
local function with_sequence(answer)
  flush()
  count_change()
  local reply = { cmsgpack.pack({ digits(sequence), answer }) }
  for i = 1, #large do reply[i + 1] = large[i] end
  return reply
end
`;
}

/** The directory's record: the sentinel (R13) and the highest generation that was granted to anyone (R15). */
export const DIRECTORY: string =
  PRELUDE +
  storeRecord("directory", ", 'counter', 'storeId', 'open'") +
  String.raw`
local counter = integer(store and store[2] or '0')
local store_id = store and store[3] or false
local is_open = store_id and store[4] == '1' or false
if not counter then
  error({ err = 'DAMAGED ' .. is_missing('directory record', 'counter', store[2]) })
end
`;

const STORAGE_RECORD: string = storeRecord("storage", "");

export const STORAGE: string = PRELUDE + STORAGE_RECORD;

/** After DIRECTORY, for a script that changes both: each has a record and a sequence of its own, and both are read first (LU2). */
export const STORAGE_TOO: string = String.raw`
local count_directory_change = count_change
local with_directory_sequence = with_sequence
${STORAGE_RECORD}
local count_storage_change = count_change
`;
