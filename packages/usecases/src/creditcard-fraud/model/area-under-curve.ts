/**
 * Area under the receiver operating characteristic: the probability that a row
 * of class 1 has a higher score than a row of class 0, ties counting half
 * (Mann and Whitney, 1947). 0.5 is chance, 1 is perfect; NaN where a class is empty.
 *
 * @param classes the class of each row, 0 or 1
 */
export function areaUnderCurve(scores: ArrayLike<number>, classes: ArrayLike<number>): number {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort(
    (a, b) => scores[a]! - scores[b]!,
  );
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end += 1;
    // Ranks count from 1; equal scores share the mean of theirs.
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i++) {
      if (classes[order[i]!] !== 1) continue;
      positives += 1;
      rankSum += rank;
    }
    start = end;
  }
  const negatives = order.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
