/** For tests. */
const UNTIL_MS = 45_000;
const LOOK_EVERY_MS = 5;

/** Waits for a state, with a bound. */
export const until = async (reached: () => boolean): Promise<void> => {
  const endMs = performance.now() + UNTIL_MS;
  while (!reached()) {
    if (performance.now() > endMs) throw new Error(`not reached in ${UNTIL_MS} ms: ${reached.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
};
