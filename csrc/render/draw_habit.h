// Habits: some people often, the others seldom, and the asked share over all pictures.
#pragma once

#include <algorithm>

namespace guise::render {

class Habit {
 public:
  // People with the habit do it on `often` of their photos and the others on `seldom`, where
  // `share` lies between; else all people do it alike.
  Habit(double share, double often, double seldom)
      : people_(std::clamp((share - seldom) / (often - seldom), 0.0, 1.0)),
        often_(std::max(share, often)),
        seldom_(std::min(share, seldom)) {}

  // Of doing it on a photo. `person`: uniform in [0, 1), the same on all photos of the person.
  double probability(double person) const { return person < people_ ? often_ : seldom_; }
  // Share of people with the habit.
  double people() const { return people_; }

 private:
  double people_, often_, seldom_;
};

}  // namespace guise::render
