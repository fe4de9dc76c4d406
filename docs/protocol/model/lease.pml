/*
 * The lease, the observers and the takeover: a silo that owns an actor, and two others that watch it, mark it dead and claim
 * what it owned. Time is discrete and every clock may be wrong, at any time, by up to the drift.
 *
 *   T1. `Time` counts true ticks. Nobody reads it. What somebody measures as `n` true ticks may read on its own clock
 *       anything from n - n/DRIFT to n + n/DRIFT (A3). Each question is answered anew within these bounds, as if each
 *       timer had a clock of its own: real clocks can only do less.
 *   T2. There is no schedule: renewals, polls, claims come at any time or never. So a pause of a process, a poll that fails
 *       and a message that is late or lost need no steps of their own. (Whether the shipped schedule lets a healthy owner
 *       live is another question: patience.pml.)
 *   T3. Revs and tokens are never used again. So of each one that somebody remembers, or that travels in a request, only one
 *       thing matters: whether it is still the record's, or the entry's. That is one bit, and it is never set again.
 *   T4. An observer's poll is one step. The shipped observer counts from the answer of its first poll to the asking of its
 *       last one, which is less than from step to step (W3).
 *
 * The others are taken to be alive throughout, and to serve whatever they own: who watches them is the same again.
 * Properties and scenes have numbers, so that the checker can name the one that it met. 0 checks all properties.
 */
#define I4_ONE_SERVES 1     /* I4: nobody begins to serve, or goes on, while another serves */
#define I5_DEAD_SERVES_NOT 2 /* I5: when the record becomes dead its owner has stopped, and no renewal revives it */
#define I5_DEAD_CLAIMS_NOT 3 /* I5, R18: no claim of a dead incarnation is granted */
#define I6_ONLY_THE_NAMED_DEAD 4 /* I6: a claim displaces nobody, its own claimant, or the dead whose token it names */

/* Scenes that must be possible: else the properties would hold because nothing happens. */
#define SCENE_TAKEOVER 100       /* an observer serves what the dead silo owned */
#define SCENE_RESUME 101         /* a silo whose lease had surely run out renews, and serves on: a lapse is not death */
#define SCENE_DEATH_TOO_LATE 102 /* a death is refused: its owner renewed after the last poll (R3, H4) */
#define SCENE_AHEAD 103          /* a renewal finds its record ahead: the answer to an earlier one was lost (L6) */
#define SCENE_THIEF_TOO_LATE 104 /* a claim that names the dead is refused: another was faster (R2, H3) */
#define SCENE_LATE_CLAIM 105     /* a claim of the dead silo arrives after its death (R18, H23) */
#define SCENE_LATE_RENEWAL 106   /* a renewal that was given up is applied */
#define SCENE_RELEASE 107        /* an actor that was released is served by another while its last owner lives */
#define SCENE_TOLD_DEAD 108      /* the dead silo finds its own record dead */

/*
 * Broken twins, and the properties that each of them must break:
 *   TWIN_NO_CAS              I4_ONE_SERVES I5_DEAD_SERVES_NOT
 *   TWIN_UNNAMED             I4_ONE_SERVES I6_ONLY_THE_NAMED_DEAD
 *   TWIN_DEAD_CLAIMS         I5_DEAD_CLAIMS_NOT
 *   TWIN_NO_DRIFT            I4_ONE_SERVES
 *   TWIN_WATCH_A_TTL         I4_ONE_SERVES
 *   TWIN_COUNTED_FROM_ANSWER I4_ONE_SERVES
 *   TWIN_AHEAD_COUNTS        I4_ONE_SERVES
 *   TWIN_COUNTED_FROM_ASKING I4_ONE_SERVES
 */

#ifndef CHECKED
#define CHECKED 0
#endif
#define HOLDS(id, property) assert((property) || (CHECKED != 0 && CHECKED != id))
#define SCENE(id) assert(CHECKED != id)

#ifndef TTL
#define TTL 4
#define DRIFT 2 /* clocks run within a half of true rate, so that it shows in so few ticks */
#endif
#ifdef TWIN_NO_DRIFT
#define SERVE TTL
#define WATCH TTL
#endif
#ifdef TWIN_WATCH_A_TTL
#define WATCH TTL
#endif
#ifndef SERVE
#define SERVE (TTL - TTL / DRIFT) /* L1: the margin included, which is there to be used up between a check and its effect */
#endif
#ifndef WATCH
#define WATCH (TTL + 2 * TTL / DRIFT) /* L2 */
#endif
/* T1: what a clock may say of so many true ticks. */
#define MAY_READ_LESS(ticks, local) ((ticks) * (DRIFT - 1) < (local) * DRIFT)
#define MAY_READ_AS_MUCH(ticks, local) ((ticks) * (DRIFT + 1) >= (local) * DRIFT)

#define SILOS 3
#define OWNER 0 /* silo 0 is the one with a lease; 1 and 2 observe it */
#define NOBODY 3

/* The member record of the owner. Its rev is known only as T3 says. */
bool dead;

/* The owner. */
byte age;         /* true ticks since it sent its newest acknowledged renewal */
bool knowsRev = true; /* the rev that it expects is the record's */
mtype = { NONE, SENT, APPLIED, AHEAD, DEAD };
mtype renewal;    /* the one whose answer counts (L5): sent, or executed with its answer on the way */
byte renewalAge;  /* true ticks since it was sent */
bool renewalRev;  /* what it expects, or what its answer shows, is the record's rev */
bool lateRenewal; /* a request that was given up and is still in flight, and expects the record's rev */
bool over;        /* the owner has learned that it is dead */

/* The observers, by their number; 0 is unused. */
bool watching[SILOS]; /* a watch of the record's rev; a watch of an older rev ends at the next poll (W1) and is none */
byte watched[SILOS];  /* true ticks since */
bool marking[SILOS];  /* a request to mark the owner dead is in flight */
bool markRev[SILOS];  /* what it expects is the record's rev */
bool knowsDead[SILOS];

/* The entry of the one actor. */
byte entryOwner = OWNER;
bool released; /* one activation ends in order, at most: more of them show nothing new */
bool holds[SILOS];   /* has an activation; whether it may serve says its lease */
bool claiming[SILOS]; /* a claim is in flight */
bool namesFree[SILOS]; /* it expects a free entry; else it names a token */
bool namesEntry[SILOS]; /* the token that it names is the entry's */
bool releasing[SILOS], releasesEntry[SILOS]; /* a release is in flight; its token is the entry's */

#define OWNER_SERVES (holds[OWNER] && !over && MAY_READ_LESS(age, SERVE))
#define OTHERS_SERVE (holds[1] || holds[2])

/* decideClaim. The twin asks only whether the one whom it saw is dead, and takes whatever is there by now. */
#ifdef TWIN_UNNAMED
#define DISPLACES (namesFree[me] -> entryOwner == NOBODY : entryOwner == me || dead)
#else
#define DISPLACES (namesFree[me] -> entryOwner == NOBODY : namesEntry[me] && (entryOwner == me || (entryOwner == OWNER && dead)))
#endif
#ifdef TWIN_DEAD_CLAIMS
#define CLAIMANT_LIVES true
#else
#define CLAIMANT_LIVES (me != OWNER || !dead)
#endif

inline revChanges() {
  knowsRev = false; renewalRev = false; lateRenewal = false;
  watching[1] = false; watching[2] = false; watched[1] = 0; watched[2] = 0; markRev[1] = false; markRev[2] = false
}

inline entryChanges() {
  namesEntry[0] = false; namesEntry[1] = false; namesEntry[2] = false;
  releasesEntry[0] = false; releasesEntry[1] = false; releasesEntry[2] = false
}

proctype Time() {
end:
  do
  :: d_step {
       /* Older than lapsed, or than due, makes no difference. */
       age = age + (MAY_READ_LESS(age, SERVE) -> 1 : 0);
       renewalAge = renewalAge + (renewal != NONE && MAY_READ_LESS(renewalAge, SERVE) -> 1 : 0);
       watched[1] = watched[1] + (watching[1] && !MAY_READ_AS_MUCH(watched[1], WATCH) -> 1 : 0);
       watched[2] = watched[2] + (watching[2] && !MAY_READ_AS_MUCH(watched[2], WATCH) -> 1 : 0)
     }
  od
}

/* Renewals, as lease-keeper.ts makes them and decideRenew answers them. */
proctype Lease() {
end:
  do
  :: d_step { !over && renewal == NONE -> renewal = SENT; renewalRev = knowsRev; renewalAge = 0 }
  /* The store executes it. */
  :: d_step {
       renewal == SENT ->
       if
       :: dead -> renewal = DEAD
       :: !dead && renewalRev -> revChanges(); renewal = APPLIED; renewalRev = true
       :: !dead && !renewalRev -> SCENE(SCENE_AHEAD); renewal = AHEAD; renewalRev = true
       fi
     }
  /* No answer in time, or a lost one: it is given up, and may still be executed. */
  :: d_step {
       renewal != NONE ->
       lateRenewal = lateRenewal || (renewal == SENT && renewalRev);
       renewal = NONE; renewalRev = false; renewalAge = 0
     }
  :: d_step {
       lateRenewal ->
       lateRenewal = false;
       if
       :: dead
       :: else -> SCENE(SCENE_LATE_RENEWAL); revChanges()
       fi
     }
  /* The answer arrives. */
  :: d_step {
       renewal == APPLIED || renewal == AHEAD || renewal == DEAD ->
       knowsRev = renewalRev;
       if
       :: renewal == APPLIED ->
          if
          :: !MAY_READ_LESS(age, SERVE) && MAY_READ_LESS(renewalAge, SERVE) && holds[OWNER] -> SCENE(SCENE_RESUME)
          :: else
          fi;
#ifdef TWIN_COUNTED_FROM_ANSWER
          age = 0
#else
          age = renewalAge
#endif
       :: renewal == AHEAD ->
#ifdef TWIN_AHEAD_COUNTS
          age = renewalAge
#else
          skip
#endif
       :: renewal == DEAD -> SCENE(SCENE_TOLD_DEAD); over = true; age = 0; holds[OWNER] = false
       fi;
       renewal = NONE; renewalRev = false; renewalAge = 0;
       HOLDS(I5_DEAD_SERVES_NOT, !(dead && OWNER_SERVES));
       HOLDS(I4_ONE_SERVES, !(OWNER_SERVES && OTHERS_SERVE))
     }
  od
}

/* An observer, as membership.ts and observation.ts make it; decideMarkDead. */
proctype Observer(byte me) {
end:
  do
  /* A poll (T4). */
  :: d_step {
       !knowsDead[me] ->
       if
       :: dead -> knowsDead[me] = true; watching[me] = false; watched[me] = 0
       :: !dead && !watching[me] -> watching[me] = true;
#ifdef TWIN_COUNTED_FROM_ASKING
          watched[me] = 3 /* the poll took so long */
#else
          watched[me] = 0
#endif
       :: !dead && watching[me] && MAY_READ_AS_MUCH(watched[me], WATCH) && !marking[me] ->
          marking[me] = true; markRev[me] = true; watching[me] = false; watched[me] = 0
       :: !dead && watching[me] && !(MAY_READ_AS_MUCH(watched[me], WATCH) && !marking[me])
       fi
     }
  /* A poll failed, or came late, or the observer was paused (W2). */
  :: d_step { watching[me] -> watching[me] = false; watched[me] = 0 }
  /* The store executes the request to mark the owner dead. */
  :: d_step {
       marking[me] ->
       marking[me] = false;
       if
       :: dead
#ifdef TWIN_NO_CAS
       :: !dead ->
#else
       :: !dead && !markRev[me] -> SCENE(SCENE_DEATH_TOO_LATE)
       :: !dead && markRev[me] ->
#endif
          HOLDS(I5_DEAD_SERVES_NOT, !OWNER_SERVES);
          revChanges(); dead = true
       fi;
       markRev[me] = false
     }
  od
}

/* Claims and releases, as ownership.ts makes them; decideClaim, decideRelease. Also the owner's, also when it is dead. */
proctype Claimant(byte me) {
end:
  do
  /* It looks at the entry, and sends the claim that follows from what it sees and knows. */
  :: d_step {
       !claiming[me] && !holds[me] && !(me == OWNER && over) &&
         (entryOwner == NOBODY || entryOwner == me || (entryOwner == OWNER && knowsDead[me])) ->
       claiming[me] = true; namesFree[me] = (entryOwner == NOBODY); namesEntry[me] = (entryOwner != NOBODY)
     }
  /* The directory executes it, in time or late; its answer arrives, or not. */
  :: atomic {
       claiming[me] ->
       if
       :: !(CLAIMANT_LIVES && DISPLACES) ->
          if
          :: me == OWNER && dead && entryOwner == NOBODY && namesFree[me] -> SCENE(SCENE_LATE_CLAIM)
          :: me != OWNER && dead && !namesFree[me] -> SCENE(SCENE_THIEF_TOO_LATE)
          :: else
          fi
       :: CLAIMANT_LIVES && DISPLACES ->
          HOLDS(I5_DEAD_CLAIMS_NOT, !(me == OWNER && dead));
          HOLDS(I6_ONLY_THE_NAMED_DEAD, entryOwner == NOBODY || (namesEntry[me] && (entryOwner == me || (entryOwner == OWNER && dead))));
          entryChanges(); entryOwner = me;
          if
          :: holds[me] = true;
             if
             :: me != OWNER && dead -> SCENE(SCENE_TAKEOVER)
             :: me != OWNER && !dead -> SCENE(SCENE_RELEASE)
             :: else
             fi;
             HOLDS(I4_ONE_SERVES, !(OWNER_SERVES && OTHERS_SERVE) && !(holds[1] && holds[2]))
          :: skip /* the answer is lost: the claim stands, and is found at the next look */
          fi
       fi;
       claiming[me] = false; namesFree[me] = false; namesEntry[me] = false
     }
  /* The activation ends, and gives the actor back with its token. */
  :: d_step {
       holds[me] && !released ->
       released = true; holds[me] = false; releasing[me] = true; releasesEntry[me] = (entryOwner == me)
     }
  :: d_step {
       releasing[me] ->
       if
       :: releasesEntry[me] -> entryChanges(); entryOwner = NOBODY
       :: else
       fi;
       releasing[me] = false; releasesEntry[me] = false
     }
  od
}

init {
  atomic {
    holds[OWNER] = true;
    run Time(); run Lease(); run Observer(1); run Observer(2); run Claimant(OWNER); run Claimant(1); run Claimant(2)
  }
}
