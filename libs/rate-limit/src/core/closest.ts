/** In how many letters a misspelled word may differ. */
const MOST_CHANGES = 2;

/** The known word that a misspelled one most likely was meant to be; `undefined` where none is close. */
export function closest(word: string, known: readonly string[]): string | undefined {
  // What clients or programs make up may be long, and is not worth a comparison.
  if (word.length > 40) return undefined;
  // If the lengths differ by more, so do the words. Comparing is slow, and there may be hundreds of words.
  const similar = known.filter((each) => Math.abs(each.length - word.length) <= MOST_CHANGES);
  const distances = similar.map((each) => distance(word.toLowerCase(), each.toLowerCase()));
  const least = Math.min(...distances);
  return least <= MOST_CHANGES && least < word.length / 2 ? similar[distances.indexOf(least)] : undefined;
}

/** How many letters must be added, removed or replaced. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + Number(from[i - 1] !== to[j - 1]);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
