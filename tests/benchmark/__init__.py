"""Our figures beside those of a plain handler written the usual way, the peer.

`building` builds the peer as `sam build` does; `contenders` puts it and ours on the same local
stack; `measurement` takes the figures of all of them in turn; `report` compares and prints them.
"""
