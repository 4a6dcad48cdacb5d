/**
 * The epoch: a value in Postgres that changes when offsets begin to mean something else, because a request topic is new
 * or the cluster is another. Cursors of another epoch are ignored. Beside it stands the number of partitions that new
 * requests are spread over.
 */
import { randomBytes } from 'node:crypto';
import type { ClientBase } from 'pg';

export interface Stamp {
  readonly epoch: string;
  readonly isNew: boolean;
}

/**
 * Before request topics are created: whatever happens from here on, the next stamp is a new epoch, for no cluster has
 * an empty id.
 */
export const expectNewEpoch = async (client: ClientBase): Promise<void> => {
  await client.query(`UPDATE platform_epoch SET cluster_id = ''`);
};

/** Keeps the epoch where the cluster is the one of the last stamp. */
export const stampEpoch = async (
  client: ClientBase,
  { clusterId, partitions }: { clusterId: string; partitions: number },
): Promise<Stamp> => {
  const fresh = randomBytes(4).toString('hex');
  const { rows } = await client.query<{ epoch: string }>(
    `INSERT INTO platform_epoch AS stored (epoch, cluster_id, partitions) VALUES ($1, $2, $3)
     ON CONFLICT (one) DO UPDATE SET
       epoch = CASE WHEN stored.cluster_id = $2 THEN stored.epoch ELSE $1 END,
       changed_at = CASE WHEN stored.cluster_id = $2 THEN stored.changed_at ELSE now() END,
       cluster_id = $2,
       partitions = $3
     RETURNING epoch`,
    [fresh, clusterId, partitions],
  );
  const epoch = rows[0]?.epoch ?? fresh;
  return { epoch, isNew: epoch === fresh };
};
