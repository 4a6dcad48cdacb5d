/** Applications unlike the usual one, made of the examples, and the page's form filled in with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from './platform.ts';

type Members = Record<string, unknown>;

const example = (name: string): Members => {
  const read = JSON.parse(readFileSync(join(ROOT, 'docs', 'examples', `${name}.json`), 'utf8')) as Members;
  const { consents: _ticked, ...application } = read;
  return application;
};

const CAR = example('application');
const MOTORCYCLE = example('application-motorcycle');
const COMPANY = example('application-legal')['owner'] as Members;
const [RIDER] = MOTORCYCLE['drivers'] as [Members];

/** Consents are left out: the page has words of its own for them. */
export const APPLICATIONS: Readonly<Record<string, Members>> = {
  'a motorcycle of a company, with two riders, new papers and a policy to renew': {
    ...MOTORCYCLE,
    owner: COMPANY,
    policyholder: COMPANY,
    drivers: [
      { ...RIDER, previous_licence: { series: '4757', number: '111222', last_name: 'Прежний' } },
      { ...RIDER, first_name: 'Пётр', licence: { ...(RIDER['licence'] as Members), number: '460914' } },
    ],
    prolongation: { policy_series: 'ХХХ', policy_number: '0166171796', insurer_id: 'prompt' },
  },
  'a taxi with a trailer that anybody may drive, of another person': {
    ...CAR,
    vehicle: { ...(CAR['vehicle'] as Members), trailer: true },
    owner: { ...(MOTORCYCLE['owner'] as Members), residence_address: { region: '86', town: 'Сургут', text: 'г. Сургут, ул. Мира, д. 1' } },
    unlimited_drivers: true,
    drivers: [],
    purpose: 'taxi',
    prolongation: { policy_series: 'ТТТ', policy_number: '0166171797', insurer_id: 'estimates' },
  },
  'a heavy lorry of a company, driven by a person with a foreign licence': {
    ...CAR,
    vehicle: { ...(CAR['vehicle'] as Members), category: 'C', max_mass_kg: 25_200 },
    owner: COMPANY,
    drivers: [
      {
        last_name: 'Сериков', first_name: 'Арман', birth_date: '1985-03-03',
        foreign_licence: { number: 'AB 123456', country: 'KZ', issued_on: '2020-01-01', experience_from: '2006-01-01' },
      },
    ],
  },
};

const leavesOf = (value: unknown, at = ''): [pointer: string, value: string][] => {
  if (typeof value !== 'object' || value === null) return [[at, String(value)]];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, `${at}/${name}`));
};

/** Everything that a person would type, from an empty form. */
export const fillForm = async (page: Page, application: Members): Promise<void> => {
  const { drivers, owner, policyholder, unlimited_drivers } = application as { drivers: unknown[]; owner: Members; policyholder: Members; unlimited_drivers: boolean };
  const isSame = JSON.stringify(owner) === JSON.stringify(policyholder);
  await page.getByTestId('clear').click();
  await page.locator('[name="/vehicle/category"]').selectOption((application['vehicle'] as { category: string }).category);
  await page.getByTestId('same-as-owner').setChecked(isSame);
  await page.getByTestId('owner-is-company').setChecked(owner['kind'] === 'legal_entity');
  await page.getByTestId('unlimited').setChecked(unlimited_drivers);
  for (let driver = 1; driver < drivers.length; driver += 1) await page.locator('button.add').click();
  const folded = page.locator('form details:not([open]) > summary');
  while ((await folded.count()) > 0) await folded.first().click();
  for (const [pointer, value] of leavesOf({ ...application, ...(isSame && { policyholder: undefined }) })) {
    if (/\/kind$|^\/unlimited_drivers$|^\/policyholder$/.test(pointer)) continue;
    const field = page.locator(`[name="${pointer}"]`);
    const isA = async (kind: string): Promise<boolean> => (await field.and(page.locator(kind)).count()) === 1;
    if (await isA('select')) await field.selectOption(value);
    else if (await isA('[type="checkbox"]')) await field.check();
    else await field.fill(value);
  }
  await page.getByTestId('consent').check();
};
