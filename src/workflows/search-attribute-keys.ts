import { defineSearchAttributeKey } from '@temporalio/common'
import { searchAttributes } from '../domain/search-attributes.js'

export const systemAttribute = defineSearchAttributeKey(searchAttributes.system.name, searchAttributes.system.type)
export const operationAttribute = defineSearchAttributeKey(searchAttributes.operation.name, searchAttributes.operation.type)
export const backupAttribute = defineSearchAttributeKey(searchAttributes.backup.name, searchAttributes.backup.type)
export const outcomeAttribute = defineSearchAttributeKey(searchAttributes.outcome.name, searchAttributes.outcome.type)
