import { describe, expect, test } from '@jest/globals';
import { askedOfPostgres, PostgresAwayError } from './postgres-away.ts';

const failing = (message: string, code?: string): Promise<never> =>
  Promise.reject(Object.assign(new Error(message), code !== undefined && { code }));

describe('what is asked of Postgres', () => {
  test('comes through', async () => {
    expect(await askedOfPostgres(Promise.resolve(1))).toBe(1);
  });

  test.each([
    ['a refused connection', 'connect ECONNREFUSED', 'ECONNREFUSED'],
    ['a shutdown', 'terminating connection due to administrator command', '57P01'],
    ['no free connection on the server', 'too many clients already', '53300'],
    ['no free connection in the pool', 'timeout exceeded when trying to connect', undefined],
    ['a cut connection', 'Connection terminated unexpectedly', undefined],
  ])('says that Postgres is away on %s, with the cause', async (_, message, code) => {
    const error: unknown = await askedOfPostgres(failing(message, code)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PostgresAwayError);
    expect((error as PostgresAwayError).cause).toMatchObject({ message });
  });

  test('leaves a fault of ours as it is', async () => {
    await expect(askedOfPostgres(failing('null value in column', '23502'))).rejects.toMatchObject({ code: '23502' });
  });
});
