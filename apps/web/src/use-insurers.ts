/** Who is asked, once the server has said it. */
import { useEffect, useState } from 'react';
import { type AskedInsurer, readInsurers } from './asked-insurers.ts';

const NOBODY: readonly AskedInsurer[] = [];

export const useInsurers = (): readonly AskedInsurer[] => {
  const [insurers, setInsurers] = useState(NOBODY);
  useEffect(() => {
    let isShown = true;
    void readInsurers((url, init) => fetch(url, init)).then((read) => {
      if (isShown) setInsurers(read);
    });
    return () => {
      isShown = false;
    };
  }, []);
  return insurers;
};
