/** What is there and does not count: each once, and no more than anybody reads, for there may be as many as objects. */
export function noteProblem(problems: string[], problem: string): void {
  if (problems.length < 100 && !problems.includes(problem)) problems.push(problem)
}
