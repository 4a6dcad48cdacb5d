import { afterEach, describe, expect, test } from '@jest/globals';
import { REQUEST_TOPICS, TOPICS } from '@osago/contracts';
import {
  APPLICATION,
  buried,
  cancelled,
  createBus,
  createRedis,
  isDone,
  legEvents,
  outcomes,
  panel,
  plainKeys,
  says,
  ScriptedInsurer,
  send,
  settled,
  startPod,
  stopPods,
  submitted,
  until,
} from './aggregator-given.ts';
import { MemoryRunStore } from './memory-run-store.ts';

afterEach(stopPods);

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('a request', () => {
  test('gets exactly one outcome of each insurer, whatever it answers, on its topic', async () => {
    const bus = createBus();
    const insurers = {
      instant: new ScriptedInsurer({ post: [says.quoted] }),
      polled: new ScriptedInsurer({ poll: [says.pending, says.quoted] }),
      estimating: new ScriptedInsurer({ poll: [says.estimated, says.quoted] }),
      declining: new ScriptedInsurer({ post: [says.declined] }),
      asking: new ScriptedInsurer({ poll: [says.needsData] }),
      failing: new ScriptedInsurer({ poll: [says.failed] }),
      rejecting: new ScriptedInsurer({ post: [says.rejected] }),
      silent: new ScriptedInsurer({ post: ['nothing'] }),
      full: new ScriptedInsurer({ post: [says.busy] }),
    };
    const request = submitted([...Object.keys(insurers), 'stranger'], { deadlineInMs: 3_000 });
    startPod({ bus, insurers: panel(insurers) });
    await send(bus, request, 3, TRACEPARENT);
    await until('the record is done', () => isDone(bus, 1, 3));

    expect(outcomes(bus, request)).toEqual([
      'asking needs_data',
      'declining declined',
      'estimating quoted',
      'failing error',
      'full skipped',
      'instant quoted',
      'polled quoted',
      'rejecting error',
      'silent timeout',
      'stranger skipped',
    ]);
    const isError = (status: string): boolean => ['error', 'timeout', 'skipped'].includes(status);
    for (const topic of REQUEST_TOPICS.slice(1)) {
      for (const record of bus.records(topic)) {
        const { data, subject } = JSON.parse(String(record.value)) as { data: { insurer_id: string; status: string }; subject: string };
        expect(topic).toBe(isError(data.status) ? TOPICS.errors : TOPICS.quotes);
        expect(record).toMatchObject({
          partition: 3,
          key: `${request.data.request_id}:${data.insurer_id}`,
          headers: { 'content-type': 'application/cloudevents+json', traceparent: TRACEPARENT },
        });
        expect(subject).toBe(record.key);
      }
    }
  });

  test('shows how far each insurer is: submitted, estimated, then the outcome, under one fence', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ poll: [says.estimated, says.quoted] });
    const request = submitted(['alfa']);
    startPod({ bus, insurers: panel({ alfa }) });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    const events = legEvents(bus, request.data.request_id);
    expect(events.map(({ data }) => [data.status, data.step])).toEqual([['submitted', 1], ['estimated', 2], ['quoted', 3]]);
    expect(new Set(events.map(({ data }) => data.fence)).size).toBe(1);
    expect(events[2]?.data).toMatchObject({ premium_kopecks: 700_000, final: true, late: false, attempt: 1 });
  });

  test('is sent as it was opened, under a key of request and insurer', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ post: [says.quoted] });
    const request = submitted(['alfa']);
    startPod({ bus, insurers: panel({ alfa }) });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    const { request_id } = request.data;
    expect(alfa.posts).toMatchObject([
      { request_id, idempotencyKey: `${request_id}:alfa`, application: APPLICATION, startByMs: Date.parse(request.data.deadline_at) },
    ]);
  });

  test('is done only when the broker has every outcome', async () => {
    const bus = createBus();
    const insurers = panel({
      alfa: new ScriptedInsurer({ post: [says.quoted] }),
      beta: new ScriptedInsurer({ post: [says.declined] }),
    });
    const gate = Promise.withResolvers<boolean>();
    const asked: string[] = [];
    const publisher = {
      publish: ({ data }: { data: { insurer_id: string } }) => {
        asked.push(data.insurer_id);
        return data.insurer_id === 'beta' ? gate.promise : Promise.resolve(true);
      },
    };
    startPod({ bus, insurers, publisher });
    await send(bus, submitted(['alfa', 'beta']));
    await until('both are being published', () => asked.length === 2);
    await settled();
    expect(isDone(bus)).toBe(false);
    gate.resolve(true);
    await until('the record is done', () => isDone(bus));
  });

  test('is not held up by another whose insurer is silent', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ post: ['nothing', says.quoted] });
    startPod({ bus, insurers: panel({ alfa }) });
    const [first, second] = [submitted(['alfa']), submitted(['alfa'])];
    await send(bus, first);
    await send(bus, second);
    await until('the second has its quote', () => outcomes(bus, second).length === 1);
    expect(outcomes(bus, first)).toEqual([]);
    expect(isDone(bus, 2)).toBe(false);
  });

  test('that is published twice is worked on once, and both records get done', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ poll: [says.pending, says.quoted] });
    const request = submitted(['alfa']);
    startPod({ bus, insurers: panel({ alfa }) });
    await send(bus, request);
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length > 0);
    await send(bus, request);
    await until('all three are done', () => isDone(bus, 3));
    expect(alfa.posts).toHaveLength(1);
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('ends as well when the store is away all the time', async () => {
    const bus = createBus();
    const runStore = new MemoryRunStore();
    runStore.goAway();
    const insurers = panel({
      alfa: new ScriptedInsurer({ poll: [says.quoted] }),
      beta: new ScriptedInsurer({ post: ['nothing'] }),
    });
    const request = submitted(['alfa', 'beta'], { deadlineInMs: 2_500 });
    startPod({ bus, insurers, runStore });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted', 'beta timeout']);
  });

  test('whose application cannot be opened ends with an error of each insurer, and nobody is asked', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer();
    const request = submitted(['alfa', 'beta'], { sealed: 'by a key that is gone' });
    const { lines } = startPod({ bus, insurers: panel({ alfa, beta: alfa }) });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa error', 'beta error']);
    expect(legEvents(bus, request.data.request_id)[0]?.data).toMatchObject({ reason: { code: 'rejected' }, retryable: false });
    expect(alfa.posts).toEqual([]);
    expect(lines).toMatchObject([{ msg: 'application cannot be opened' }, { msg: 'record buried among the dead letters' }]);
    expect(buried(bus)).toEqual(['osago.requests.v1-2-0: the application cannot be opened']);
  });

  test('whose application is no JSON ends so too, and no log quotes it', async () => {
    const bus = createBus();
    const request = submitted(['alfa'], { sealed: 'sealed Иванов Иван' });
    const { lines } = startPod({ bus, insurers: panel({ alfa: new ScriptedInsurer() }) });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa error']);
    expect(JSON.stringify(lines)).not.toContain('Иван');
  });
});

describe('a request that expired on arrival', () => {
  test('times out with fence 0 and a fixed id, and nobody is asked', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer();
    const request = submitted(['alfa', 'beta'], { deadlineInMs: -1 });
    startPod({ bus, insurers: panel({ alfa, beta: alfa }) });
    await send(bus, request, 1, TRACEPARENT);
    await until('the record is done', () => isDone(bus, 1, 1));
    const { request_id } = request.data;
    expect(legEvents(bus, request_id).map(({ id, data }) => [id, data.status])).toEqual([
      [`${request_id}:alfa:a1:f0:s0`, 'timeout'],
      [`${request_id}:beta:a1:f0:s0`, 'timeout'],
    ]);
    expect(bus.records(TOPICS.errors)[0]).toMatchObject({ partition: 1, headers: { traceparent: TRACEPARENT } });
    expect(alfa.posts).toEqual([]);
  });

  test('is not done before the broker has the timeouts', async () => {
    const bus = createBus();
    const gate = Promise.withResolvers<boolean>();
    let asked = 0;
    startPod({ bus, insurers: panel({}), publisher: { publish: () => ((asked += 1), gate.promise) } });
    await send(bus, submitted(['alfa'], { deadlineInMs: -1 }));
    await until('the timeout is being published', () => asked === 1);
    await settled();
    expect(isDone(bus)).toBe(false);
    gate.resolve(true);
    await until('the record is done', () => isDone(bus));
  });

  test('publishes the outcomes that a former holder had stored and nobody acknowledged', async () => {
    const bus = createBus();
    const redis = createRedis();
    const insurers = panel({
      alfa: new ScriptedInsurer({ post: [says.quoted] }),
      beta: new ScriptedInsurer({ post: [says.declined] }),
      gamma: new ScriptedInsurer({ post: ['nothing'] }),
    });
    const request = submitted(['alfa', 'beta', 'gamma'], { deadlineInMs: 1_500 });
    const first = startPod({
      bus,
      insurers,
      redis,
      // The broker takes the decline only.
      publisher: { publish: ({ data }) => (data.insurer_id === 'beta' ? Promise.resolve(true) : new Promise(() => undefined)) },
    });
    await send(bus, request);
    await until('the decline is known to be on the log', () => first.store.leg(request.data.request_id, 'beta')?.outcome?.acked === true);
    await first.stop();
    await until('the deadline has passed', () => Date.now() > Date.parse(request.data.deadline_at));
    startPod({ bus, insurers, redis });
    await until('the record is done', () => isDone(bus));
    expect(outcomes(bus, request)).toEqual(['alfa quoted', 'gamma timeout']);
  });

  test('more than an hour ago publishes nothing and is done', async () => {
    const bus = createBus();
    const request = submitted(['alfa'], { deadlineInMs: -3_700_000 });
    startPod({ bus, insurers: panel({ alfa: new ScriptedInsurer() }) });
    await send(bus, request);
    await until('the record is done', () => isDone(bus));
    expect(legEvents(bus, request.data.request_id)).toEqual([]);
  });
});

describe('a cancel', () => {
  test('stops the polls, ends the calls in flight and lets the record be done', async () => {
    const bus = createBus();
    const insurers = { alfa: new ScriptedInsurer(), beta: new ScriptedInsurer({ post: ['nothing'] }) };
    const { alfa, beta } = insurers;
    const request = submitted(['alfa', 'beta']);
    startPod({ bus, insurers: panel(insurers) });
    await send(bus, request);
    await until('it is polled', () => alfa.polls.length === 2);
    await send(bus, cancelled(request));
    await until('both records are done', () => isDone(bus, 2));
    expect(beta.posts[0]?.signal.aborted).toBe(true);
    expect(outcomes(bus, request)).toEqual([]);
    const other = submitted(['alfa']);
    await send(bus, other);
    await until('another request is polled twice', () => alfa.polls.length >= 4);
    expect(alfa.polls.length - alfa.posts.length).toBeLessThanOrEqual(3);
  });

  test('that comes right behind its request is not lost: nobody is asked', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer();
    const request = submitted(['alfa']);
    await send(bus, request);
    await send(bus, cancelled(request));
    startPod({ bus, insurers: panel({ alfa }) });
    await until('both records are done', () => isDone(bus, 2));
    expect(alfa.posts).toEqual([]);
    expect(legEvents(bus, request.data.request_id)).toEqual([]);
  });

  test('leaves an answer as it is', async () => {
    const bus = createBus();
    const insurers = { alfa: new ScriptedInsurer({ post: [says.quoted] }), beta: new ScriptedInsurer() };
    const request = submitted(['alfa', 'beta']);
    startPod({ bus, insurers: panel(insurers) });
    await send(bus, request);
    await until('alfa has answered', () => outcomes(bus, request).length === 1);
    await send(bus, cancelled(request));
    await until('both records are done', () => isDone(bus, 2));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
  });

  test('of a request that nobody knows is done', async () => {
    const bus = createBus();
    startPod({ bus, insurers: panel({}) });
    await send(bus, cancelled(submitted(['alfa'])));
    await until('it is done', () => isDone(bus));
  });
});

describe('a record', () => {
  test('that is no event of ours is buried, and what comes after it is worked on', async () => {
    const bus = createBus();
    startPod({ bus, insurers: panel({ alfa: new ScriptedInsurer({ post: [says.quoted] }) }) });
    const at = { topic: TOPICS.requests, partition: 2, key: 'k', headers: {} };
    await bus.publish([{ ...at, value: Buffer.from('{') }, { ...at, value: Buffer.from('{"type":"x"}') }]);
    const request = submitted(['alfa']);
    await send(bus, request);
    await until('all are done', () => isDone(bus, 3));
    expect(outcomes(bus, request)).toEqual(['alfa quoted']);
    expect(buried(bus)).toEqual([
      'osago.requests.v1-2-0: the value is no JSON',
      'osago.requests.v1-2-1: the event type is unknown',
    ]);
  });

  test('that is an event, but none for the aggregator, is buried too', async () => {
    const bus = createBus();
    const alfa = new ScriptedInsurer({ post: [says.quoted] });
    startPod({ bus, insurers: panel({ alfa }) });
    const request = submitted(['alfa']);
    await send(bus, request);
    await until('it is done', () => isDone(bus));
    const [record] = bus.records(TOPICS.quotes);
    await bus.publish([{ ...record!, topic: TOPICS.requests, value: record!.value! }]);
    await until('all are done', () => isDone(bus, 2));
    expect(buried(bus)).toEqual([expect.stringContaining('is not for the aggregator')]);
  });

  test('that cannot be buried holds the commit, and nothing else', async () => {
    const bus = createBus();
    const burial = Promise.withResolvers<boolean>();
    const deadLetters = { bury: () => burial.promise };
    startPod({ bus, deadLetters, insurers: panel({ alfa: new ScriptedInsurer({ post: [says.quoted] }) }) });
    await bus.publish([{ topic: TOPICS.requests, partition: 2, key: 'k', headers: {}, value: Buffer.from('{') }]);
    const request = submitted(['alfa']);
    await send(bus, request);
    await until('the request has its quote', () => outcomes(bus, request).length === 1);
    await settled();
    expect(isDone(bus, 2)).toBe(false);
    burial.resolve(true);
    await until('all are done', () => isDone(bus, 2));
  });
});

describe('readiness', () => {
  test('is red until the pod is in the group, and again when it has left', async () => {
    const bus = createBus();
    const pod = startPod({ bus, insurers: panel({}), logKeys: plainKeys });
    await until('it is ready', () => pod.aggregator.readiness() === undefined);
    await pod.stop();
    expect(pod.aggregator.readiness()).toBe('not in the consumer group yet');
  });
});
