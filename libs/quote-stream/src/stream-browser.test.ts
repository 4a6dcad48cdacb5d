import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type PageEvent, thisBrowser } from './stream-browser.ts';

const page = new EventTarget();
const tab = Object.assign(new EventTarget(), { visibilityState: 'visible' });
const STAND_INS = { addEventListener: page.addEventListener.bind(page), document: tab };
let seen: PageEvent[] = [];
let unlisten: () => void;

beforeEach(() => {
  Object.assign(globalThis, STAND_INS);
  seen = [];
  unlisten = thisBrowser.listen((event) => seen.push(event));
});

afterEach(() => {
  unlisten();
  for (const name of Object.keys(STAND_INS)) Reflect.deleteProperty(globalThis, name);
});

const turn = (visibilityState: string): void => {
  tab.visibilityState = visibilityState;
  tab.dispatchEvent(new Event('visibilitychange'));
};

test('a page wakes when it is looked at again, and not when it is left', () => {
  turn('hidden');
  expect(seen).toEqual([]);
  turn('visible');
  expect(seen).toEqual(['wake']);
});

test('a page wakes when the network is back', () => {
  page.dispatchEvent(new Event('online'));
  expect(seen).toEqual(['wake']);
});

test('only a page that comes back from the cache is shown again', () => {
  page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
  expect(seen).toEqual([]);
  page.dispatchEvent(new Event('pagehide'));
  page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  expect(seen).toEqual(['hide', 'show']);
});

test('nothing is heard after the end', () => {
  unlisten();
  turn('visible');
  page.dispatchEvent(new Event('online'));
  page.dispatchEvent(new Event('pagehide'));
  expect(seen).toEqual([]);
});
