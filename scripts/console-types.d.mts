export const consoleTypesPath: string;
export function consoleTypes(): string;
