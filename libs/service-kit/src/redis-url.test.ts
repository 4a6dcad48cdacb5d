import { expect, test } from '@jest/globals';
import { redisCluster } from './redis-url.ts';

test.each(['redis://localhost:6379', 'rediss://user:secret@redis.example/2', 'redis://cluster.example'])(
  '%s is one server',
  (url) => {
    expect(redisCluster(url)).toBeUndefined();
  },
);

test('nodes of a cluster are named one after another, the port where it is another', () => {
  expect(redisCluster('redis+cluster://one.example:7001,two.example,[::1]:7003/')).toEqual({
    nodes: [
      { host: 'one.example', port: 7_001 },
      { host: 'two.example', port: 6_379 },
      { host: '::1', port: 7_003 },
    ],
    isSecure: false,
  });
});

test('a user, a password and TLS are for all nodes', () => {
  expect(redisCluster('rediss+cluster://osago:p%40ss%2C@one:7001,two:7002')).toEqual({
    nodes: [{ host: 'one', port: 7_001 }, { host: 'two', port: 7_002 }],
    username: 'osago',
    password: 'p@ss,',
    isSecure: true,
  });
});

test.each(['redis+cluster://', 'redis+cluster://one:port', 'redis+cluster://one,,two'])('%s is no address', (url) => {
  expect(() => redisCluster(url)).toThrow('is no node of a Redis cluster');
});
