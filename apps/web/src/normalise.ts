/** What is no text: numbers and ticks. The spelling of texts is the server's own: `@osago/contracts/application-normalise`. */

/** With a decimal comma as well; what is no number stays text, so that the server names it. */
export const number = (typed: string): number | string => {
  const text = typed.replaceAll(/\s/g, '').replace(',', '.');
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : typed;
};

/** A switch keeps `true` or nothing. */
export const ticked = (typed: string): boolean => typed === 'true';
