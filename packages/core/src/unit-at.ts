/**
 * `text.charCodeAt(at)`, for loops over a text. Asked of the text itself, the method is looked up anew for every unit, which takes four
 * times as long as the rest: an engine that has met more than four kinds of texts at one place (flat ones, joined ones, keys, pieces of
 * others) remembers none of them there (docs/PERFORMANCE.md).
 */
export function unitAt(text: string, at: number): number {
  return String.prototype.charCodeAt.call(text, at);
}
