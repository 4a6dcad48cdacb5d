/** A command of the repository, as an operator or an analyst gives it to a running platform. */
import { execFile } from 'node:child_process';
import { ROOT, type RunningPlatform } from './platform.ts';

/** What the command printed. Rejects with all it said when it ends with another code than 0. */
export const npmRun = (platform: RunningPlatform, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _jest, ...inherited } = process.env;
    const { aggregator, database_url, kafka_brokers } = platform.state();
    const env = {
      ...inherited,
      AGGREGATOR_URL: aggregator[0]?.private_url,
      DATABASE_URL: database_url,
      KAFKA_BROKERS: kafka_brokers.join(','),
    };
    execFile('npm', ['run', '--silent', ...args], { cwd: ROOT, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`npm run ${args.join(' ')}:\n${stdout}${stderr}`, { cause: error }));
    });
  });
