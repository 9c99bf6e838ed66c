/** The known word that a misspelled one most likely was meant to be; `undefined` where none is close. */
export function closest(word: string, known: readonly string[]): string | undefined {
  // What clients or programs make up may be long, and is not worth a comparison.
  if (word.length > 40) return undefined;
  const distances = known.map((each) => distance(word.toLowerCase(), each.toLowerCase()));
  const least = Math.min(...distances);
  return least <= 2 && least < word.length / 2 ? known[distances.indexOf(least)] : undefined;
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
