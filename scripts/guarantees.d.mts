export function titlesOf(page: string): readonly string[];
export function titlePattern(title: string): RegExp;
export function notRun(page: string, passed: readonly string[]): readonly string[];
