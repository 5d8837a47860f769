import { killsOf } from './kills.js'

killsOf('worker and job')
