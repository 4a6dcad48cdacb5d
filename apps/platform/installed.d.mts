export declare const holdsAll: (
  wanted: Record<string, { version?: string; optional?: boolean }>,
  there: Record<string, { version?: string }>,
) => boolean;
export declare const isInstalled: (root: string) => boolean;
export declare const markInstalled: (root: string) => void;
