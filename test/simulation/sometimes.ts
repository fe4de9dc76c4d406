// What must happen at least once in any larger number of runs: a simulation in which it never does proves nothing about it.
export const SOMETIMES: Readonly<Record<string, string>> = {
  "a save refused: fenced": "a save of an owner that has lost its actor arrives late and is fenced",
  "a load refused: fenced": "a load of an owner that has lost its actor arrives late and is fenced",
  "a save sent again and found applied": "a save whose answer was lost is sent again (R8)",
  "a claim sent again and found granted": "a claim whose answer was lost is sent again (R8)",
  "a claim refused: token-used": "a late duplicate of an old claim is refused (R8)",
  "a claim refused: owned": "two silos claim one actor",
  "a claim refused: changed": "what a claim named is free by the time it arrives (R2)",
  "a claim refused: claimant-not-alive": "a silo that drains or is dead claims (R18)",
  "a claim: takeover": "an actor is taken from a silo that is dead (R3)",
  "a claim: reactivate": "a silo claims again what it owns (R11)",
  "renewal refused: conflict": "a renewal finds its own record ahead (L6)",
  "renewal refused: dead": "a silo learns at its renewal that it is dead (I5)",
  "death refused: conflict": "a silo renews just before it would be marked dead (R3)",
  "registration refused: name-taken": "a silo starts while one of its name is not known to be dead",
  "a name registered again": "a restarted silo has its old name and a new incarnation",
  "a second silo of one name refused": "a second silo of a live name gives up",
  "event silo.paused": "a lease lapses",
  "event silo.resumed": "a silo resumes after a lapse",
  "event silo.lost": "an incarnation is over",
  "event activation.fenced": "an activation learns that it has lost its actor",
  "event activation.failed": "onActivate throws",
  "event commit.resent": "an activation sends a save again",
  "an activation asked to end in the middle of a turn":
    "calls come while an activation is deactivating (R12)",
  "a redirect": "a call is sent on to the owner (R26)",
  "a repeated key answered from its record": "a key that was applied answers its recorded result",
  "refused: paused": "a paused silo refuses a call",
  "refused: draining": "a draining silo refuses a call",
  "refused: moved": "a call meets an activation that has ended",
  "refused: overloaded": "a queue is full",
  "refused: expired": "a call's time is up before it starts (R20)",
  "a mistake refused: READ_ONLY_STATE": "a read that changes state is refused",
  "a mistake refused: NOT_SERIALIZABLE": "a result that cannot travel fails its turn",
  "a mistake refused: INVALID_ARGUMENT":
    "a state that is too large, or a key of long ago, is refused",
  "a mistake refused: DEADLOCK": "a call to its own caller is refused with the chain",
  "event directory.rolled-back": "a silo notices that the directory lost writes (R14)",
  "event directory.opened": "a directory that was lost is opened after a whole lease (R13)",
  "renewal refused: absent": "a silo's record is gone (R13, R16)",
  "outcome unknown": "a caller cannot know whether its call ran",
  "outcome not-executed": "a caller knows that its call did not run",
};

export function neverHappened(counts: ReadonlyMap<string, number>): readonly string[] {
  return Object.keys(SOMETIMES).filter((what) => (counts.get(what) ?? 0) === 0);
}
