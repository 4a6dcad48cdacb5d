/** `node apps/core-app/src/migrate.ts`: brings the database at DATABASE_URL to this version. Several at once are safe. */
import { join } from 'node:path';
import { runner } from 'node-pg-migrate';

const databaseUrl = process.env['DATABASE_URL'];
if (!databaseUrl) {
  process.stderr.write('DATABASE_URL is not set: which Postgres is to be migrated?\n');
  process.exit(2);
}

await runner({
  databaseUrl,
  dir: join(import.meta.dirname, '..', 'migrations'),
  migrationsTable: 'migrations',
  direction: 'up',
  advisoryLockMode: 'wait',
  log: () => {},
}).then(
  (applied) => process.stdout.write(`${applied.length} migration(s) applied\n`),
  (error: unknown) => {
    process.stderr.write(`Migration failed: ${(error as Error).message}\n`);
    process.exit(1);
  },
);
