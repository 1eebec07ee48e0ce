"""The check: is a claimed gradient right, and if not, which node is wrong and what kind of mistake is it?"""
