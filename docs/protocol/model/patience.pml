/*
 * Patience: the schedule by which silos renew and observe, and one outage of what they share. lease.pml asks whether an
 * observer can kill an owner that still serves. This asks whether it kills one that could serve on: an outage moves nothing.
 *
 *   P1. Time is in twelfths of a lease. Both clocks run alike: drift is lease.pml's subject.
 *   P2. Silo 0 is watched; silo 1 watches it. Both renew by the schedule of lease-keeper.ts; silo 1 polls by that of
 *       membership.ts. What they ask of a store that is up is answered at once.
 *   P3. One fault at most: the store is away for all, or the transport is, for any time; or silo 0 crashes. Two outages in a
 *       row, or one of a single silo, may kill (ADR 0010): this model says nothing of them.
 *
 * Properties and scenes have numbers, so that the checker can name the one that it met. 0 checks all properties.
 */
#define I13_OUTAGE_KILLS_NOBODY 1 /* W2, L2: an outage of what all share ends with every silo alive */
#define I13_CRASH_IS_NOTICED 2    /* I13: a silo that crashed is marked within a watch and a round */

/* Scenes that must be possible: else the properties would hold because nothing happens. */
#define SCENE_MARKED 100         /* a silo that crashed is marked dead */
#define SCENE_RESUMED 101        /* the store is away until the watched silo has lapsed, and it renews again */
#define SCENE_LAGGARD_SEES 102   /* an observer whose own renewals are late looks, at the end of a wait, and does not judge */
#define SCENE_WATCH_RESTARTS 103 /* after failed polls the same rev is seen again, and its wait begins anew */

/*
 * Broken twins, and the properties that each of them must break:
 *   TWIN_NO_RESTART         I13_OUTAGE_KILLS_NOBODY
 *   TWIN_LAGGARD_JUDGES     I13_OUTAGE_KILLS_NOBODY
 *   TWIN_ROUND_IS_A_GAP     I13_CRASH_IS_NOTICED
 */

#ifndef CHECKED
#define CHECKED 0
#endif
#define HOLDS(id, property) assert((property) || (CHECKED != 0 && CHECKED != id))
#define SCENE(id) assert(CHECKED != id)

#define ROUND 4    /* TTL/3: between renewals, between polls, and the bound of each request */
#define PROBE 2    /* TTL/6 */
#define RETRY 1    /* TTL/12 */
#define SERVE 11   /* a lease of 12, less the margin */
#define WATCH 13   /* a lease of 12, and a little more */
#define WITNESS 7  /* 7/12 of a lease */
#ifdef TWIN_ROUND_IS_A_GAP
#define MAX_GAP 3  /* less than a round: each poll begins the wait anew */
#else
#define MAX_GAP 8  /* 2/3 of a lease */
#endif
#define NOTICED (WATCH + ROUND + 1)
#define LONG 20    /* longer than all of these: what is older is as old */

#define UP(n) (n < LONG -> n + 1 : LONG)
#define DOWN(n) (n > 0 -> n - 1 : 0)

mtype = { NO_FAULT, STORE_AWAY, TRANSPORT_AWAY, CRASHED, OVER };
mtype fault = NO_FAULT;

byte toRound[2];  /* ticks until the next round of renewal */
byte age[2];      /* since the newest acknowledged renewal was sent (L1) */
bool lapsed;      /* silo 0 was paused in this outage */

byte toPoll;      /* ticks until the observer's next poll */
byte gap = LONG;  /* since its newest poll that was answered was asked */
bool blind;       /* its own renewals went on again after a gap, since that poll: another period */
bool changed;     /* silo 0 renewed since that poll */
byte watched;     /* since it first saw this rev, unbroken */
byte crashedFor;

#ifdef TWIN_LAGGARD_JUDGES
#define WITNESSES (age[1] < SERVE) /* as long as its lease holds */
#else
#define WITNESSES (age[1] <= WITNESS)
#endif

inline renewalRound(silo) {
  if
  :: toRound[silo] > 0
  :: toRound[silo] == 0 && silo == 0 && fault == CRASHED
  :: toRound[silo] == 0 && fault == TRANSPORT_AWAY -> toRound[silo] = PROBE + RETRY
  :: toRound[silo] == 0 && fault == STORE_AWAY -> /* refused at once, or no answer in time */
     if
     :: toRound[silo] = RETRY
     :: toRound[silo] = ROUND + RETRY
     fi
  :: toRound[silo] == 0 && (fault == NO_FAULT || fault == OVER || (silo == 1 && fault == CRASHED)) ->
     if
     :: silo == 0 ->
        if
        :: lapsed -> SCENE(SCENE_RESUMED); lapsed = false
        :: else
        fi;
        changed = true
     :: silo == 1 -> blind = (blind || !WITNESSES)
     fi;
     age[silo] = 0; toRound[silo] = ROUND
  fi
}

inline poll() {
  if
  :: toPoll > 0
  :: toPoll == 0 && fault == STORE_AWAY ->
#ifndef TWIN_NO_RESTART
     gap = LONG;
#endif
     toPoll = ROUND
  :: toPoll == 0 && fault != STORE_AWAY ->
     if
#ifdef TWIN_NO_RESTART
     :: changed -> watched = 0
     :: else
#else
     :: changed || gap > MAX_GAP || blind || !WITNESSES ->
        if
        :: !changed && gap > MAX_GAP && fault == OVER && watched >= WATCH -> SCENE(SCENE_WATCH_RESTARTS)
        :: !changed && !WITNESSES && watched >= WATCH -> SCENE(SCENE_LAGGARD_SEES)
        :: else
        fi;
        watched = 0
     :: else
#endif
     fi;
     changed = false; blind = false; gap = 0;
     if
     :: WITNESSES && watched >= WATCH ->
        HOLDS(I13_OUTAGE_KILLS_NOBODY, fault == CRASHED);
        SCENE(SCENE_MARKED);
        break /* silo 0 is dead: the story is over */
     :: else
     fi;
     /* Each round, and a moment after the end of a wait (V3). */
     toPoll = (watched < WATCH && WATCH - watched < ROUND -> WATCH - watched : ROUND)
  fi
}

active proctype World() {
  byte start;
  /* The two begin at any time of each other's rounds. */
  select(start : 0 .. 3); toRound[1] = start;
  select(start : 0 .. 3); toPoll = start;
  start = 0;
end:
  do
  :: atomic {
       /* One tick. */
       toRound[0] = DOWN(toRound[0]); toRound[1] = DOWN(toRound[1]); toPoll = DOWN(toPoll);
       age[0] = UP(age[0]); age[1] = UP(age[1]); gap = UP(gap); watched = UP(watched);
       lapsed = (lapsed || (age[0] >= SERVE && fault != CRASHED));
       crashedFor = (fault == CRASHED -> UP(crashedFor) : 0);
       HOLDS(I13_CRASH_IS_NOTICED, crashedFor <= NOTICED);
       if
       :: fault == NO_FAULT -> fault = STORE_AWAY
       :: fault == NO_FAULT -> fault = TRANSPORT_AWAY
       :: fault == NO_FAULT -> fault = CRASHED
       :: fault == STORE_AWAY || fault == TRANSPORT_AWAY -> fault = OVER
       :: true
       fi;
       /* In any order: who comes first after an outage must not kill the other. */
       if
       :: renewalRound(0); renewalRound(1); poll()
       :: renewalRound(1); poll(); renewalRound(0)
       :: poll(); renewalRound(0); renewalRound(1)
       :: renewalRound(0); poll(); renewalRound(1)
       fi
     }
  od
}
