/** One transaction: committed when the work resolves, undone when it rejects. */
import type { Pool, PoolClient } from 'pg';

export const inTransaction = async <T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    client.release();
    return result;
  } catch (error) {
    // The connection may be in any state: it is not used again, and its end undoes the transaction.
    client.release(true);
    throw error;
  }
};
