/** What the fraud watch may remember of an application: tokens that name nobody. */
import type { Application } from '@osago/contracts';
import { isTaxiPlate } from '@osago/quotes';
import type { Access } from './access.ts';

export interface WatchMarks {
  /** Of the VIN, or where there is none of the body, the chassis or the plate. */
  vehicle_mac: Buffer;
  /** Of the policyholder's passport or INN. */
  person_mac: Buffer;
  taxi_plate: boolean;
}

type Mac = Pick<Access, 'mac'>;

const vehicleText = ({ body_number, chassis_number, plate, vin }: Application['vehicle']): string => {
  if (vin !== undefined) return `vin ${vin}`;
  if (body_number !== undefined) return `body ${body_number}`;
  if (chassis_number !== undefined) return `chassis ${chassis_number}`;
  return `plate ${plate ?? ''}`;
};

const personText = (policyholder: Application['policyholder']): string =>
  'inn' in policyholder
    ? `inn ${policyholder.inn}`
    : `passport ${policyholder.passport.series} ${policyholder.passport.number}`;

/** Of a normalised application. Under another key the same application has other marks: comparison begins anew. */
export const watchMarks = (access: Mac, { policyholder, vehicle }: Application): WatchMarks => ({
  vehicle_mac: access.mac('vehicle', vehicleText(vehicle)),
  person_mac: access.mac('person', personText(policyholder)),
  taxi_plate: isTaxiPlate(vehicle.plate),
});
