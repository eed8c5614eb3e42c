-- Lists a session among all that are alive; the list goes when the longest of them has expired.
--
-- KEYS   1: all live sessions (sorted set: id by expiry in milliseconds)
-- ARGV   1: session id  2: expires at, milliseconds
-- reply  1

local time = redis.call('TIME')
local left = ARGV[2] - time[1] * 1000 - math.floor(time[2] / 1000)
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < left then redis.call('PEXPIRE', KEYS[1], left) end
return 1
