// A claim and the load of what it was granted, as one script (D8): the same decisions as apart, in the same words.
import { type LuaScript, luaScript } from "../script.ts";
import { CLAIMS, ENTRY } from "./entries.ts";
import { MEMBER } from "./members.ts";
import { DIRECTORY, STORAGE_TOO } from "./prelude.ts";
import { ROW } from "./row.ts";
import { LOADS } from "./rows.ts";

/** ARGV: as of CLAIM. Each answer has the claim's, and of one that was granted the load's. */
export const CLAIM_AND_LOAD: LuaScript = luaScript("claimAndLoad", [
  DIRECTORY,
  MEMBER,
  ENTRY,
  CLAIMS,
  STORAGE_TOO,
  ROW,
  LOADS,
  String.raw`
local actors, answers, tokens = take_actors(), {}, {}
fetch_entries(actors)
for i, actor in ipairs(actors) do
  tokens[i] = given[taken + 2]
  answers[i] = { claim(actor) }
end
raise_counters()
count_directory_change()
fetch_rows(actors)
for i, answer in ipairs(answers) do
  local granted = answer[1]
  if granted[1] == 'ok' then answer[2] = load(actors[i], granted[2], tokens[i]) end
end
count_storage_change()
return with_directory_sequence(answers)
`,
]);
