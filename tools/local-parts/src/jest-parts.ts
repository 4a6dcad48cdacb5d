/** Jest loads set-up and tear-down apart from each other; the global object is what both of them see. */
const holder = globalThis as { osagoStopParts?: () => Promise<void> };

export const stopAfterTests = (stop: () => Promise<void>): void => {
  holder.osagoStopParts = stop;
};

export const stopParts = async (): Promise<void> => {
  await holder.osagoStopParts?.();
};
