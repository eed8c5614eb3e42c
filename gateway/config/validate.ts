import type { ConfigDraft } from './draft.ts'
import type { Finding } from './problem.ts'
import { checkAnswers } from './rules/answers.ts'
import { checkCache } from './rules/cache.ts'
import { checkCheckListener } from './rules/check.ts'
import { checkDelegate } from './rules/delegate.ts'
import { checkIssuers } from './rules/issuers.ts'
import { checkListeners } from './rules/listeners.ts'
import { checkMail } from './rules/mail.ts'
import { checkPolicyNames } from './rules/policies.ts'
import { checkCosts, checkPolicies } from './rules/policy-fields.ts'
import { checkRoutes } from './rules/routes.ts'
import { checkStores } from './rules/stores.ts'
import { checkTimes } from './rules/times.ts'
import { checkUpstreams } from './rules/upstreams.ts'
import { checkWorkers } from './rules/workers.ts'

/**
 * Every rule across fields, and those a type cannot say. Pure; returns all findings. What the schema refused is
 * undefined in the draft and starts no second complaint.
 */
export function validate(draft: ConfigDraft): Finding[] {
  return [
    checkListeners,
    checkCheckListener,
    checkAnswers,
    checkStores,
    checkCache,
    checkMail,
    checkTimes,
    checkIssuers,
    checkPolicies,
    checkPolicyNames,
    checkUpstreams,
    checkRoutes,
    checkDelegate,
    checkCosts,
    checkWorkers,
  ].flatMap((rule) => rule(draft))
}
