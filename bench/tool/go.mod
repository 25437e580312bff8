module tidemark/bench

go 1.25
