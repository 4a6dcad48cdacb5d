import { describe, expect, test } from '@jest/globals';
import type { Application, Person } from '@osago/contracts';
import { sampleOfKind } from '@osago/quotes';
import { Access } from './access.ts';
import { watchMarks } from './fraud-watch-marks.ts';

const access = new Access(new Map([['k1', Buffer.alloc(32, 1)]]));
const CAR = sampleOfKind('car', 1, '2026-11-21');

const { vin: _vin, ...WITHOUT_VIN } = CAR.vehicle;

const macOf = (vehicle: Application['vehicle']): string =>
  watchMarks(access, { ...CAR, vehicle }).vehicle_mac.toString('hex');
const vehicleMac = (vehicle: Partial<Application['vehicle']>): string => macOf({ ...CAR.vehicle, ...vehicle });

describe('the mark of a vehicle', () => {
  test('follows the VIN, whatever else is said of it', () => {
    expect(vehicleMac({ plate: 'А123ВС77', body_number: 'X1234', power_hp: 61, year: 2001 })).toBe(vehicleMac({}));
    expect(vehicleMac({ vin: 'XTA00000000000000' })).not.toBe(vehicleMac({}));
  });

  test('without a VIN is of the body, then the chassis, then the plate, and these never meet', () => {
    const number = 'X1234';
    const ofPlate = { ...WITHOUT_VIN, plate: number };
    const ofChassis = { ...ofPlate, chassis_number: number };
    const ofBody = { ...ofChassis, body_number: number };
    expect(new Set([ofPlate, ofChassis, ofBody].map(macOf)).size).toBe(3);
    expect(macOf({ ...ofBody, plate: 'A1', chassis_number: 'C1' })).toBe(macOf(ofBody));
    expect(macOf({ ...ofChassis, plate: 'A1' })).toBe(macOf(ofChassis));
  });
});

describe('the mark of a person', () => {
  test('follows the passport of the policyholder, or the INN of a company', () => {
    const person = sampleOfKind('car', 1, '2026-11-21').policyholder;
    const company = sampleOfKind('legal', 1, '2026-11-21').policyholder;
    const macs = [person, { ...person, last_name: 'Другая' } as typeof person, company].map((policyholder) =>
      watchMarks(access, { ...CAR, policyholder }).person_mac.toString('hex'));
    expect(macs[0]).toBe(macs[1]);
    expect(macs[2]).not.toBe(macs[0]);
  });

  test('holds nothing of the passport', () => {
    const { passport } = CAR.policyholder as Person;
    const { person_mac } = watchMarks(access, CAR);
    expect(person_mac).toHaveLength(32);
    expect(person_mac.toString('latin1')).not.toContain(passport.number);
  });
});
