/*
 * The fence: one actor, its row in the storage, its counter in the directory, and several activations of it.
 *
 * There is no clock here, and nobody has to be right about who is alive: any silo may be granted a claim at any moment, as
 * if every owner could be declared dead at once and never notice (A1). Every request may arrive late, also after its sender
 * has given up; every answer may be lost. Each of the two stores may fail over once to a replica that lags. The old primary
 * may go on answering for a while (a split); what it took since the replica's copy is then lost: a suffix (A2).
 *
 *   F1. Each process below is one activation with its requests in flight. Its token is its number, never used again.
 *   F2. A request that was sent is executed at most once, at any later moment or never. So is its answer received.
 *   F3. `content` and `loader` are ghosts: nothing decides by them, the properties are stated in them.
 *
 * A clear is a save that deletes the parts: it takes the same step as any other save.
 * Properties and scenes have numbers, so that the checker can name the one that it met. 0 checks all properties.
 */
#define I1_SINGLE_WRITER 1  /* I1: a save is accepted only from the activation whose load was the row's newest */
#define I2_NO_LOST_UPDATE 2 /* I2, I8: an accepted save was computed from exactly the content that it replaces: one line */
#define I7_ROW_ONLY_UP 3    /* I1, I7: a load that is granted raises the row's generation */
#define I7_LOADS_ONLY_UP 4  /* I7: and is above every load ever granted, unless the storage lost writes */
#define I7_CLAIMS_ONLY_UP 8 /* I7: a claim is above every load ever granted, unless the directory lost writes */
#define I11_OK_IS_APPLIED 5 /* I9, I11: a save that is answered OK was applied */
#define I11_NO_IS_NOTHING 6 /* I11, R24: a save that was sent once and is refused was not applied */
#define R8_NO_FALSE_CONFLICT 7 /* R8, H10: the row's own holder is refused only if the storage lost writes of it */

/* Scenes that must be possible: else the properties would hold because nothing happens. */
#define SCENE_FENCED_SAVE 100     /* a save of an activation that believes in itself is refused after a takeover */
#define SCENE_LATE_SAVE 101       /* a save arrives after its activation has ended, and is refused */
#define SCENE_SAME_SILO 102       /* it is refused although the newer activation is on the same silo (H15) */
#define SCENE_RESEND_IS_OK 103    /* a save that was applied, with its answer lost, is sent again and answered OK */
#define SCENE_OK_AFTER_FENCE 104  /* the same although another activation has loaded since (H11) */
#define SCENE_CONFLICT 105        /* an activation whose memory holds lost writes is refused, and ends (I8) */
#define SCENE_EQUAL_CLAIMS 106    /* two claims of one generation; the later load is refused by the token (H2) */
#define SCENE_LATE_LOAD 107       /* a load that its activation gave up raises the fence against another */
#define SCENE_APPLIED_AGAIN 108   /* a save that the storage lost is sent again, and applied a second time */
#define SCENE_SAVE_AFTER_LOSS 109 /* after both stores lost writes an activation claims, loads and saves */
#define SCENE_GENERATION_REPEATS 110 /* after both lost writes, a generation that was loaded before is loaded again */

/*
 * Broken twins, and the properties that each of them must break:
 *   TWIN_NUMBERS        I1_SINGLE_WRITER I7_ROW_ONLY_UP
 *   TWIN_VERSIONS       I11_OK_IS_APPLIED
 *   TWIN_NOT_IDEMPOTENT R8_NO_FALSE_CONFLICT
 *   TWIN_FRESH_ETAG     R8_NO_FALSE_CONFLICT
 *   TWIN_SAVE_CREATES   I1_SINGLE_WRITER I2_NO_LOST_UPDATE
 *   TWIN_CLEAR_DELETES  I7_LOADS_ONLY_UP
 *   TWIN_OWN_COUNTS     I7_CLAIMS_ONLY_UP
 *   TWIN_SILENCE_IS_NO  I11_NO_IS_NOTHING
 */

#ifndef CHECKED
#define CHECKED 0
#endif
#define HOLDS(id, property) assert((property) || (CHECKED != 0 && CHECKED != id))
#define SCENE(id) assert(CHECKED != id)

#ifndef SILOS
#define SILOS 2
#endif
#ifndef ACTIVATIONS
#define ACTIVATIONS 3 /* on all silos together */
#endif
#ifndef SAVES
#define SAVES 3 /* of all activations together */
#endif
#define SENDS 2 /* of one save */

typedef Row {
  bool exists;
  byte generation, token, etag;
  byte content, loader /* F3 */
}
/* Copy 0 is the primary. Copy 1 is a replica that has what it was last sent, and is promoted when the store splits. From then
   on each request may reach either copy: the old primary may answer to the end, or never again. */
Row row[2];
byte counter[2]; /* the highest generation that the directory has granted */
bool rowCopied, rowSplit, counterSplit;

byte claims, saves;   /* so many were made */
byte highest[SILOS];  /* the highest generation that a silo was granted or told of: the floor of its claims (R15) */
byte siloOf[ACTIVATIONS + 1];
byte highestLoaded;   /* ghost: of all loads ever granted */
byte applied;         /* ghost: the saves ever applied, a bit each */

#define MAX(a, b) (a > b -> a : b)

/* What a store compares. The twins compare numbers: they are the same again after a loss. */
#ifdef TWIN_NUMBERS
#define SAME_CLAIM(r) (r.generation == generation)
#else
#define SAME_CLAIM(r) (r.generation == generation && r.token == me)
#endif
#ifdef TWIN_VERSIONS
#define ETAG_OF(base, save) (base + 1)
#else
#define ETAG_OF(base, save) (save)
#endif

inline reach(split, copy) {
  if
  :: copy = 0
  :: split -> copy = 1
  fi
}

/* decideSave in core/ownership-rules.ts, in its order: a save that replaces `base`, from memory that holds `memory`. */
inline decideSave(base, memory, save) {
  if
#ifndef TWIN_NOT_IDEMPOTENT
  :: row[copy].exists && row[copy].etag == ETAG_OF(base, save) ->
     if
     :: row[copy].token != me -> SCENE(SCENE_OK_AFTER_FENCE)
     :: else
     fi;
     outcome = OK
#endif
  :: else ->
     if
#ifdef TWIN_SAVE_CREATES
     :: !row[copy].exists -> accept(base, memory, save)
#else
     :: !row[copy].exists -> outcome = FENCED
#endif
     :: row[copy].exists && !SAME_CLAIM(row[copy]) -> outcome = FENCED
     :: row[copy].exists && SAME_CLAIM(row[copy]) && row[copy].etag != base -> outcome = CONFLICT
     :: row[copy].exists && SAME_CLAIM(row[copy]) && row[copy].etag == base -> accept(base, memory, save)
     fi
  fi
}

/* What cannot matter any more is forgotten, so that states which differ by it alone are one. */
inline forget() {
  saysOk = false; saysFenced = false; saysConflict = false; sends = 0;
  if
  :: phase == GONE && flying == 0 -> etag = 0; known = 0; saving = 0
  :: else
  fi;
  if
  :: phase == GONE && flying == 0 && lateSaving == 0 && !loading -> generation = 0
  :: else
  fi
}

inline accept(base, memory, save) {
  HOLDS(I1_SINGLE_WRITER, row[copy].loader == me);
  HOLDS(I2_NO_LOST_UPDATE, row[copy].content == memory);
  if
  :: applied & (1 << save) -> SCENE(SCENE_APPLIED_AGAIN)
  :: else
  fi;
  if
  :: rowSplit && counterSplit && copy == 1 && row[1].loader == claims -> SCENE(SCENE_SAVE_AFTER_LOSS)
  :: else
  fi;
  row[copy].exists = true;
  row[copy].generation = generation;
  row[copy].token = me;
  row[copy].etag = ETAG_OF(base, save);
  row[copy].content = save;
  applied = applied | (1 << save);
#ifdef TWIN_CLEAR_DELETES
  if
  :: save == SAVES -> clearRow(row[copy]) /* the last save is a clear */
  :: else
  fi;
#endif
  outcome = OK
}

inline copyRow(from, to) {
  row[to].exists = row[from].exists; row[to].generation = row[from].generation; row[to].token = row[from].token;
  row[to].etag = row[from].etag; row[to].content = row[from].content; row[to].loader = row[from].loader
}

inline clearRow(r) {
  r.exists = false; r.generation = 0; r.token = 0; r.etag = 0; r.content = 0; r.loader = 0
}

/* decideLoad: raises the fence before it answers with the data, and creates the row. */
inline decideLoad() {
  if
  :: row[copy].exists && (row[copy].generation > generation ||
       (row[copy].generation == generation && !SAME_CLAIM(row[copy]))) ->
     if
     :: row[copy].generation == generation -> SCENE(SCENE_EQUAL_CLAIMS)
     :: else
     fi;
     outcome = FENCED
  :: else ->
     HOLDS(I7_ROW_ONLY_UP, row[copy].generation < generation);
     HOLDS(I7_LOADS_ONLY_UP, highestLoaded < generation || rowSplit);
     if
     :: highestLoaded >= generation -> SCENE(SCENE_GENERATION_REPEATS)
     :: else
     fi;
     highestLoaded = MAX(highestLoaded, generation);
     row[copy].exists = true;
     row[copy].generation = generation;
     row[copy].token = me;
     row[copy].loader = me;
     outcome = OK
  fi
}

mtype = { UNBORN, CLAIMED, ACTIVE, GONE };  /* phases of an activation */
mtype = { NOTHING, OK, FENCED, CONFLICT };  /* outcomes */

proctype Activation(byte me) {
  mtype phase = UNBORN;
  byte generation;
  bool loading;                 /* the load is in flight */
  byte etag, known;             /* of the newest save that it knows of; ghost: the content that its memory was computed from */
  byte saving, sends, flying;   /* the undecided save: its number, how often it was sent, and how many of those are in flight */
  byte lateEtag, lateKnown, lateSaving; /* one request for an earlier save that is still in flight */
  bool saysOk, saysFenced, saysConflict; /* answers on their way */
  mtype outcome = NOTHING;      /* scratch, and NOTHING between steps: it makes no states */
  byte copy;
end:
  do
  /* A claim: always granted, above the counter and above what this silo was ever told (R15). Tokens in order of claims. */
  :: atomic {
       phase == UNBORN && claims + 1 == me ->
       if
       :: siloOf[me] = 0
       :: me > 1 -> siloOf[me] = 1 /* the first claim is silo 0's: names do not matter */
       fi;
       reach(counterSplit, copy);
       d_step {
       claims = me;
#ifdef TWIN_OWN_COUNTS
       generation = highest[siloOf[me]] + 1;
#else
       generation = MAX(counter[copy], highest[siloOf[me]]) + 1;
#endif
       HOLDS(I7_CLAIMS_ONLY_UP, highestLoaded < generation || counterSplit);
       counter[copy] = generation;
       highest[siloOf[me]] = generation;
       phase = CLAIMED; loading = true; copy = 0
       }
     }
  /* The load is executed: in time, or when it was given up long ago. */
  :: atomic {
       loading ->
       reach(rowSplit, copy);
       d_step {
       loading = false;
       decideLoad();
       if
       :: phase == CLAIMED && outcome == OK -> phase = ACTIVE; etag = row[copy].etag; known = row[copy].content
       :: phase == CLAIMED && outcome == FENCED ->
          highest[siloOf[me]] = MAX(highest[siloOf[me]], row[copy].generation); phase = GONE; forget()
       :: phase == GONE && outcome == OK -> SCENE(SCENE_LATE_LOAD); forget()
       :: phase == GONE && outcome == FENCED -> forget()
       fi;
       outcome = NOTHING; copy = 0
       }
     }
  /* The activation ends: given up, drained, lease lost, crashed. What it sent is still under way. */
  :: d_step {
       phase == CLAIMED || phase == ACTIVE ->
       phase = GONE; forget()
     }
  /* A save: at most one is undecided (P1 of commit-pipeline.ts). */
  :: d_step {
       phase == ACTIVE && saving == 0 && saves < SAVES ->
       saves++; saving = saves; sends = 1; flying = 1
     }
  /* Its answer is late or lost: the same save is sent again. */
  :: d_step {
       phase == ACTIVE && saving != 0 && sends < SENDS ->
#ifdef TWIN_FRESH_ETAG
       lateEtag = etag; lateKnown = known; lateSaving = (flying > 0 -> saving : 0);
       saves++; saving = saves; flying = 0; saysOk = false; saysFenced = false; saysConflict = false;
#endif
       sends++; flying++
     }
#ifdef TWIN_SILENCE_IS_NO
  /* No answer in time is taken for a refusal. */
  :: d_step { phase == ACTIVE && saving != 0 -> saysFenced = true }
#endif
  /* The store executes it. */
  :: atomic {
       flying > 0 ->
       reach(rowSplit, copy);
       d_step {
       flying--;
       decideSave(etag, known, saving);
       if
       :: phase == ACTIVE && outcome == OK -> saysOk = true
       :: phase == ACTIVE && outcome == FENCED -> saysFenced = true
       :: phase == ACTIVE && outcome == CONFLICT -> saysConflict = true
       :: phase == GONE && outcome == OK
       :: phase == GONE && outcome != OK ->
          SCENE(SCENE_LATE_SAVE);
          if
          :: siloOf[row[copy].token] == siloOf[me] && row[copy].token > me -> SCENE(SCENE_SAME_SILO)
          :: else
          fi
       fi;
       if
       :: phase == GONE -> forget()
       :: else
       fi;
       outcome = NOTHING; copy = 0
       }
     }
  /* The same for a request of an earlier save, whose answer interests nobody any more. */
  :: atomic {
       lateSaving != 0 ->
       reach(rowSplit, copy);
       d_step {
       decideSave(lateEtag, lateKnown, lateSaving);
       lateEtag = 0; lateKnown = 0; lateSaving = 0; outcome = NOTHING; copy = 0;
       if
       :: phase == GONE -> forget()
       :: else
       fi
       }
     }
  /* The first answer that arrives decides (P6). */
  :: d_step {
       phase == ACTIVE && saysOk ->
       HOLDS(I11_OK_IS_APPLIED, applied & (1 << saving));
       if
       :: sends > 1 && flying == 0 && !saysFenced && !saysConflict -> SCENE(SCENE_RESEND_IS_OK)
       :: else
       fi;
       if
       :: flying > 0 -> lateEtag = etag; lateKnown = known; lateSaving = saving
       :: else
       fi;
       etag = ETAG_OF(etag, saving); known = saving;
       saving = 0; flying = 0; forget()
     }
  :: d_step {
       phase == ACTIVE && (saysFenced || saysConflict) ->
       if
       :: saysFenced -> SCENE(SCENE_FENCED_SAVE)
       :: saysConflict -> SCENE(SCENE_CONFLICT); HOLDS(R8_NO_FALSE_CONFLICT, rowSplit)
       fi;
       HOLDS(I11_NO_IS_NOTHING, sends > 1 || !(applied & (1 << saving)));
       phase = GONE; forget()
     }
  od
}

/* The failovers of both stores. */
proctype Failover() {
end:
  do
  :: atomic { !rowCopied && !rowSplit -> copyRow(0, 1); rowCopied = true }
  :: atomic { !rowSplit -> rowSplit = true; rowCopied = false }
  /* Any of the newest grants may be missing. */
  :: atomic {
       !counterSplit ->
       counterSplit = true; counter[1] = counter[0];
       do
       :: counter[1] > 0 -> counter[1]--
       :: break
       od
     }
  od
}

init {
  byte i = 1;
  atomic {
    do
    :: i <= ACTIVATIONS -> run Activation(i); i++
    :: else -> break
    od;
    run Failover()
  }
}
