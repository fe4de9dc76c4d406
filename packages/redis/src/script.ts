// A Lua script: its text, and the digest by which a server that has seen it runs it.
import { createHash } from "node:crypto";

export interface LuaScript {
  /** What messages call the operation. */
  readonly name: string;
  readonly text: string;
  readonly sha: string;
}

export interface ScriptOptions {
  /** The script also runs on a server that is out of memory: it reads, or writes no more than a few digits. */
  readonly allowOutOfMemory?: true;
}

/**
 * Joins helpers and a body into one script. The shebang line (Redis 7) has the server check *before* the script starts
 * that it is a primary, has the replicas it asks for, can write its log and has memory: a script that is refused has
 * changed nothing, and a replica or a cut-off primary answers no reads either.
 */
export function luaScript(
  name: string,
  parts: readonly string[],
  options: ScriptOptions = {},
): LuaScript {
  const shebang = options.allowOutOfMemory ? "#!lua flags=allow-oom" : "#!lua";
  const text = [shebang, ...parts].join("\n");
  return { name, text, sha: createHash("sha1").update(text).digest("hex") };
}
