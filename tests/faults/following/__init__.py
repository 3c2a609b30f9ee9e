"""Tables that are followed, what is done to them and to their follower."""
