"""How recipes are listed: a function of the case and its inputs gives the outputs."""


def book():
    recipes = {}

    def recipe(*names, moves=False, numbers=()):
        """`moves`: inputs are bits, not numbers, but for those at the places `numbers`."""

        def add(function):
            function.moves = moves
            function.numbers = numbers
            for name in names or (function.__name__,):
                recipes[name] = function
            return function

        return add

    return recipes, recipe
