"""Our figures beside those of a plain handler written the usual way, the peer.

`building` builds the peer as `sam build` does; `contenders` puts it and ours on the same local
stack; `processor` and `cold_start` hold a first answer to the share of a processor that Lambda
gives; `measurement` takes the figures of all of them in turn; `comparison` holds ours against the
peers' and the targets; `report` prints it.
"""
