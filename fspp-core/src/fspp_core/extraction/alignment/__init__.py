"""The align stage: landmarks in one pass or two, from jittered boxes and evened-out light."""
