# end-to-end: training
