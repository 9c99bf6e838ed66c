import type { DocumentedAnswers } from './documented-answers.js';
import { answerWithoutExamples, withoutExamples } from './response-object.js';

/** What is true of all these routes, which share one description: if they differ, no name and no number. */
export function inCommon(answers: readonly DocumentedAnswers[]): DocumentedAnswers {
  const [first, ...others] = answers as [DocumentedAnswers, ...DocumentedAnswers[]];
  const text = JSON.stringify(first);
  if (others.every((other) => JSON.stringify(other) === text)) return first;
  const shared = (kind: 'denial' | 'shedding' | 'refusal', description: string) =>
    answers.every((each) => each[kind] !== undefined) ? answerWithoutExamples(description, first[kind]!) : undefined;
  return {
    fields: withoutExamples(first.fields),
    denial: shared('denial', 'Over a quota.'),
    shedding: shared('shedding', 'A quota cannot be checked at the moment.'),
    refusal: shared('refusal', 'Refused.'),
  };
}
