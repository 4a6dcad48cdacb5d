/** Tells a Postgres that cannot be asked now from a fault of ours: the caller of the API is told to come back. */

export class PostgresAwayError extends Error {
  override readonly name = 'PostgresAwayError';
  readonly retriable = true;
}

/** Of Node's sockets, and SQLSTATE classes: 08 connection, 53 resources, 57P shutdown and start-up. */
const AWAY_CODE = /^(ECONN|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|08|53|57P0)/;
/** What pg says without a code. */
const AWAY_MESSAGE = /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout)/;

const isAway = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as { code?: string };
  return AWAY_CODE.test(code) || AWAY_MESSAGE.test(error.message);
};

/** The same result; an error that says that Postgres is away is a {@link PostgresAwayError} with its cause. */
export const askedOfPostgres = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw isAway(error) ? new PostgresAwayError('Postgres cannot be asked now', { cause: error }) : error;
  }
};
