// A row as Redis keeps it: how its text is read and written, and its state beside it.
// Keys of an actor:
//   `row:<actor key>`, a text: format, generation, token, etag (empty before the first save), version, what there is of the actor
//        (below), the due time if there is one; a line end; and a small state. One fence covers all of it (R10).
//   `state:<actor key>`, a state that is not small; `parts:<actor key>`, a hash of the other parts.
// A save writes only what changed. `due:<bucket>`, a sorted set of actor keys by due time (S6).
import { ROW_FORMAT, STATE_PART } from "@tenure/core/internal";
import { SLICE } from "./prelude.ts";

/** In bytes, of a state that stands in its row: a save copies that as it looks at the row, and a load as it raises the fence. */
export const SMALL_STATE = 1_024;

/** A row of layout 1 (LU6): one hash, of the words of its text by name and of all parts as `p:<name>`. */
const ROW_1 = String.raw`
-- The words of its text, state and parts as they are now; nil and a problem if it has none.
local function read_row_1(key)
  local fields = redis.call('HGETALL', key)
  local f, state, parts = {}, nil, {}
  for i = 1, #fields, 2 do
    local field, value = fields[i], fields[i + 1]
    if field == 'p:${STATE_PART}' then state = value
    elseif string.sub(field, 1, 2) == 'p:' then
      parts[#parts + 1] = string.sub(field, 3)
      parts[#parts + 1] = value
    else f[field] = value end
  end
  for _, field in ipairs({ 'format', 'generation', 'token', 'etag', 'version' }) do
    if not f[field] then return nil, is_missing('row', field, f[field]) end
  end
  return table.concat({ f.format, f.generation, f.token, f.etag, f.version, '-', f.due }, ' '), state, parts
end
`;

export const ROW: string =
  ROW_1 +
  String.raw`
local row_keys, state_keys = prefix .. 'row:', prefix .. 'state:'
local function parts_key(actor)
  return prefix .. 'parts:' .. actor
end
-- Answers the rows' keys.
local function fetch_rows(actors)
  local keys = {}
  for i = 1, #actors do keys[i] = row_keys .. actors[i] end
  fetch(keys)
  return keys
end
local function in_slices(command, key, list)
  for first = 1, #list, ${SLICE} do
    redis.call(command, key, unpack(list, first, math.min(first + ${SLICE - 1}, #list)))
  end
end

local function is_due(text)
  return string.find(text, '^%-?%d[%d%.]*[eE]?[%+%-]?%d*$') and tonumber(text)
end
-- What there can be of an actor: a small state (i), another one (s), other parts (p).
local IS_HOLDING = { ['-'] = true, i = true, s = true, p = true, ip = true, sp = true }
-- The row of this text; nil and a problem if it is of none. due is false or the text that JavaScript printed: only the index
-- takes it for a number.
local function row_of(text)
  local format = integer(string.match(text, '^%d+'))
  if format and format > ${ROW_FORMAT} then
    -- Of a newer row only its format is sure. A save of the claim that it displaced is fenced by the generation, if that
    -- is still where it was.
    local generation = integer(string.match(text, '^%d+ (%d+)')) or 0
    return { format = format, is_newer = true, generation = generation, token = '', etag = '', version = 0 }
  end
  local generation, token, etag, version, holding, due, state =
    string.match(text, '^%d+ (%d+) (%S+) (%S*) (%d+) ([%-isp]+) ?(%S*)\n(.*)$')
  local row = { format = format, generation = integer(generation), token = token, etag = etag, version = integer(version),
    due = due ~= '' and due }
  if not (format and row.generation and row.version and IS_HOLDING[holding]) or row.due and not is_due(row.due) then
    return nil, is_no_text('row', text)
  end
  row.state = string.find(holding, 'i', 1, true) and state -- nothing where it has none, or one that is not small
  row.has_state_apart = string.find(holding, 's', 1, true) ~= nil
  row.has_parts = string.find(holding, 'p', 1, true) ~= nil
  return row
end
local function write_row(actor, row)
  local holding = (row.state and 'i' or row.has_state_apart and 's' or '') .. (row.has_parts and 'p' or '')
  if holding == '' then holding = '-' end
  local words = { '${ROW_FORMAT}', digits(row.generation), row.token, row.etag, digits(row.version), holding, row.due or nil }
  write(row_keys .. actor, table.concat(words, ' ') .. '\n' .. (row.state or ''))
end
-- These change the state; the row is still to be written.
local function drop_state(actor, row)
  if row.has_state_apart then
    flush() -- an earlier save of this batch may have put it
    redis.call('DEL', state_keys .. actor)
  end
  row.state, row.has_state_apart = false, false
end
local function put_state(actor, row, state)
  if #state <= ${SMALL_STATE} then
    drop_state(actor, row)
    row.state = state
  else
    write(state_keys .. actor, state)
    row.state, row.has_state_apart = false, true
  end
end
-- Of an actor whose row was fetched. nil if absent; nil and a problem if it cannot be read.
local function read_row(actor)
  local key = row_keys .. actor
  if texts[key] then return row_of(texts[key]) end
  local found, problem = type_at(key, 'row')
  if found ~= 'hash' then return nil, problem end
  local text, state, parts = read_row_1(key)
  if not text then return nil, state end
  local row
  row, problem = row_of(text .. '\n')
  if row and not row.is_newer then
    redis.call('DEL', parts_key(actor))
    in_slices('HSET', parts_key(actor), parts)
    row.has_parts = #parts > 0
    if state then put_state(actor, row, state) end
    write_row(actor, row) -- in place of the hash
  end
  return row, problem
end
`;
