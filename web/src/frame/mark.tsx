import icon from './icon.svg';
import classes from './frame.module.css';

export function Mark() {
  return (
    <span className={classes.mark}>
      <img src={icon} alt="" width={24} height={24} />
      Tidemark
    </span>
  );
}
