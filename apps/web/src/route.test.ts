import { expect, test } from '@jest/globals';
import { quotesPath, routeOf } from './route.ts';

const ID = '0b0c8b3e-6a2f-4c57-9a55-0a2f2f4d7c11';

test.each([
  ['/', { view: 'form' }],
  [quotesPath(ID), { view: 'quotes', requestId: ID }],
  [`/requests/${ID}/`, { view: 'quotes', requestId: ID }],
  ['/requests', { view: 'history' }],
  ['/requests/', { view: 'unknown' }],
  ['/requests/17', { view: 'unknown' }],
  [`/requests/${ID}/more`, { view: 'unknown' }],
])('%s leads to its view', (path, route) => {
  expect(routeOf(path)).toEqual(route);
});
