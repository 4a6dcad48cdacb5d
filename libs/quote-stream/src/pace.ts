/** How patient the client is, and how often it asks. */

/** Heartbeats come every 15 s; ten seconds more for a slow network. */
export const SILENCE_MS_MAX = 25_000;
/** A new stream says something at once: two seconds for a pod that is behind, the rest for the network. */
export const FIRST_FRAME_MS_MAX = 6_000;
/** A browser that connects again waits as long as `retry` says: ten seconds from a pod that has too many streams. */
export const RECONNECT_MS_MAX = 16_000;
/** After a goodbye the next pod is there within this; only then the connection is shown as lost. */
export const GOODBYE_MS_MAX = 5_000;
/** A connection that is cut sooner, without a word, has failed although something came through. */
export const SHORT_LIFE_MS = 3_000;
/** Streams that failed in a row; then, as after one that went mute, the network is taken for one that breaks streams. */
export const FAILURES_MAX = 3;

/** A GET waits up to 2 s on the server for a pod that is behind; the rest is for the network. */
export const ASK_MS_MAX = 10_000;
/** Under the 30 s of the most impatient proxies. */
export const WAIT_S = 25;
/** A held GET that says "nothing new" sooner was not held. */
export const HELD_MS_MIN = 15_000;

/** The first new try comes within this, later ones in twice as much each time, up to the maximum. */
export const REOPEN_MS = 1_000;
export const REOPEN_MS_MAX = 15_000;
/** The first new try of a stream while polling. A try costs up to 15 s without news. */
export const STREAM_AGAIN_MS = 45_000;
export const STREAM_AGAIN_MS_MAX = 300_000;
/** A retry that was accepted is in the log within seconds; this one is not coming. */
export const RESTART_MS_MAX = 60_000;
/** Two to four seconds between short polls: three on average. */
export const POLL_MS = 4_000;
/** Between two held GETs: answers that come together are fetched together. */
export const NEWS_MS = 2_000;
/** A wake that soon after a sign of life changes nothing: people switch tabs to and fro. */
export const WAKE_MS = 3_000;

/** Three of the six connections that a browser has for an origin over HTTP/1.1. */
export const SLOTS = 3;
/** The leading tab answers in milliseconds, unless it is frozen. */
export const HELLO_MS_MAX = 1_000;
/** The leading tab says something at each heartbeat, and after each held GET of 25 s at most. */
export const LEADER_MS_MAX = 45_000;

/** Between half and all of it, so that pages cut off together do not come back together. */
export const jittered = (ms: number, random: number): number => (ms / 2) * (1 + random);

/** Without a limit to the number of tries: the person may be in a tunnel, and the page is closed when it is over. */
export const growing = (fromMs: number, tries: number, maxMs: number): number =>
  Math.min(fromMs * 2 ** Math.max(tries - 1, 0), maxMs);
