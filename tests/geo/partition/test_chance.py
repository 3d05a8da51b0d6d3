from geo.partition.chance import draw, seed_of


def test_the_state_goes_through_the_published_sequence():
    state = [1]
    words = []
    for _ in range(5):
        draw(state, 2)
        words.append(state[0])

    assert words == [270369, 67634689, 2647435461, 307599695, 2398689233]


def test_draws_stay_below_their_bound_and_reach_every_number():
    state = [seed_of(5, "a")]

    assert {draw(state, 7) for _ in range(500)} == set(range(7))


def test_seeds_depend_on_every_name():
    assert len({seed_of(0, "a", "b"), seed_of(1, "a", "b"), seed_of(0, "ab"), seed_of(0, "a", "c")}) == 4
